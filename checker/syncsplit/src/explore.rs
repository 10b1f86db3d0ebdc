//! `syncsplit explore`: serves the explorer of a world until Ctrl-C.
use std::net::{Ipv4Addr, TcpListener};

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
    let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).and_then(|listener| {
        let address = listener.local_addr()?;
        Ok((listener, address))
    });
    let (listener, address) = bound.map_err(|error| {
        format!("port {port} of 127.0.0.1 cannot be used: {error}; `--port 0` takes any free one")
    })?;
    interrupt::ends_the_process();
    let title = subject.title();
    print::text(format_args!("Explorer of {title} at http://{address}/ until Ctrl-C\n"))?;
    serve(subject, &listener);
    Ok(Verdict::NoViolationFound)
}
