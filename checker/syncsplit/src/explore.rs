//! `syncsplit explore`: serves Explorer's pages on a world until Ctrl-C.
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use syncsplit_model::world::Verdict;
use syncsplit_study::explore::serve;
use syncsplit_study::instance::Instance;
use syncsplit_study::trace::Subject;

use crate::args::ExploreArgs;
use crate::exit::Ended;
use crate::{interrupt, print};

/// Runs the command.
pub(crate) fn run(args: ExploreArgs) -> Ended {
    let instance = Instance::load(&args.instance).map_err(|refused| refused.to_string())?;
    let subject = Subject {
        variant: args.variant.unwrap_or(instance.variant),
        without: instance.without_also(&args.without),
        instance: instance.name,
        bounds: instance.bounds,
    };
    let port = args.port;
    let address = address(port).map_err(|error| {
        format!("port {port} of 127.0.0.1 cannot be used: {error}; `--port 0` takes any free one")
    })?;
    interrupt::ends_the_process();
    let title = subject.title();
    print::text(format_args!("Explorer of {title} at http://{address}/ until Ctrl-C\n"))?;
    serve(subject, address)?;
    Ok(Verdict::NoViolationFound)
}

/// A free address on this host, tried out, since Explorer itself only panics when there is none.
fn address(port: u16) -> io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port))?.local_addr()
}
