//! The served pages: what they say of states, actions and paths, and how the server begins and ends.
#![cfg(unix)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use stateright::{Checker, Model};
use syncsplit_conform::leash::Leash;
use syncsplit_model::world::{Bounds, Fault, Faults, Instance, Variant, WorldProperty};
use syncsplit_study::explore::Explored;
use syncsplit_study::question::{Question, Watch};
use syncsplit_study::report::shortest;
use syncsplit_study::trace::Subject;

/// A running server, ended with the test.
struct Server {
    child: Child,
    _leash: Leash,
    address: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin("syncsplit"));
        command.arg("explore").args(arguments).args(["--port", "0"]);
        let leash = Leash::new().unwrap();
        leash.hold(&mut command);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.split("http://").nth(1).and_then(|rest| rest.split('/').next());
        let address = address.unwrap_or_else(|| panic!("no address in {line:?}")).to_owned();
        assert!(address.starts_with("127.0.0.1:"), "{address} is not this host alone");
        Self { child, _leash: leash, address }
    }

    /// The status and the body of what is at `path`.
    fn get(&self, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(stream, "GET {path} HTTP/1.0\r\nHost: {}\r\n\r\n", self.address).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    /// The status that is answered to a request with these bytes.
    fn asked(&self, request: &[u8]) -> u16 {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        // The server may have answered and gone before it has read all.
        let _ = stream.write_all(request);
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        answer.split(' ').nth(1).unwrap_or_else(|| panic!("no answer: {answer:?}")).parse().unwrap()
    }

    fn json(&self, path: &str) -> Value {
        let (status, body) = self.get(path);
        assert_eq!(status, 200, "{path}: {body}");
        serde_json::from_str(&body).unwrap()
    }
}

/// The choice among `steps` whose action is `action`.
fn choice<'a>(steps: &'a Value, action: &str) -> &'a Value {
    let mut steps = steps.as_array().unwrap().iter();
    steps.find(|step| step["action"] == action).unwrap_or_else(|| panic!("no choice {action:?}"))
}

#[test]
fn a_path_is_told_and_drawn() {
    let server = Server::start(&["smoke", "--without", "SYNC-5"]);
    assert_eq!(server.json("/.status")["title"], "smoke, hardened without SYNC-5");
    let page = server.get("/").1;
    assert!(page.contains("<title>syncsplit explorer</title>"), "{page}");

    let first = server.json("/.states/");
    let state = first[0]["state"].as_str().unwrap();
    assert!(state.contains("\nprimary             PAIR\n"), "{state}");
    let written = server.json("/.states/0");
    let write = choice(&written, "database: transaction: write block 1, commit");
    let after = server.json(&format!("/.states/0/{}", write["actionIndex"]));
    let send = choice(&after, "primary: send entry 1");
    let outcome = send["outcome"].as_str().unwrap();
    assert!(outcome.starts_with("changed by this step\n  frames: - -> frame 1:w1=b (inc 1)\n"));
    assert!(outcome.contains("\nframes              frame 1:w1=b (inc 1)\n"), "{outcome}");
    let svg = send["svg"].as_str().unwrap();
    let picture = [
        "<svg ",
        "smoke, hardened without SYNC-5",
        ">array link</text>",
        "1. transaction: write block 1, commit",
        "2. send entry 1",
    ];
    for part in picture {
        assert!(svg.contains(part), "{part} is not in {svg}");
    }
    // What the model ignores is a choice without a state, and no path leads through nothing.
    let report = choice(&after, "secondary: report written");
    assert!(report.get("state").is_none(), "{report}");
    assert_eq!(server.get("/.states/0/999").0, 404);
    assert_eq!(server.get("/.states/0/one").0, 404);
    assert_eq!(server.get("/.status").0, 200, "the server lives on");
}

/// Each property and whether it is true of the state.
fn truths(choice: &Value) -> Vec<(WorldProperty, bool)> {
    let properties = choice["properties"].as_array().unwrap().iter();
    let truth = |property: &Value| {
        let named = WorldProperty::named(property["name"].as_str().unwrap()).unwrap();
        let holds = property["holds"].as_bool().unwrap();
        let is_wrong = !holds && property["kind"] == "always";
        assert_eq!(property["witness"].is_string(), is_wrong, "{property}");
        (named, holds)
    };
    properties.map(truth).collect()
}

#[test]
fn each_property_is_true_or_false_of_the_state_at_hand_along_every_counterexample() {
    for rule in ["XFER-2", "SYNC-3", "SYNC-5", "RESYNC-4", "BACKUP-2", "FREEZE-1", "BACKUP-1"] {
        let mut instance = syncsplit_study::instance::Instance::load("smoke").unwrap();
        instance.without = vec![rule.parse().unwrap()];
        let question = Question::about(instance, 2);
        let outcome = question.ask(Watch::default()).unwrap();
        let trace = shortest(&question, &outcome).unwrap();
        let world = trace.subject.world();
        let explored = Explored::new(trace.subject.clone());
        let mut path = vec![0];
        for (step, (action, state)) in trace.path.iter().enumerate() {
            let choice = match action {
                None => explored.choices(&[]).unwrap().remove(0),
                Some(action) => {
                    let before = trace.path[step - 1].1;
                    let mut offered = Vec::new();
                    world.actions(&before, &mut offered);
                    let index = offered.iter().position(|other| other == action).unwrap();
                    let choice = explored.choices(&path).unwrap().remove(index);
                    path.push(index);
                    choice
                }
            };
            let seen = truths(&serde_json::to_value(choice).unwrap());
            assert_eq!(seen.len(), world.default_properties().count());
            for (property, holds) in seen {
                assert_eq!(holds, property.is_true(&world, state), "{property:?} without {rule}");
            }
        }
        let violated = WorldProperty::named(trace.property.unwrap()).unwrap();
        assert!(!violated.is_true(&world, &trace.path.last().unwrap().1));
    }
}

#[test]
fn a_request_without_end_or_of_another_host_is_refused() {
    let server = Server::start(&[]);
    let host = format!("Host: {}\r\n", server.address);
    let long = "a".repeat(1 << 20);
    let request = |line: &str, head: &str| format!("{line} HTTP/1.1\r\n{head}\r\n").into_bytes();
    let port = server.address.rsplit(':').next().unwrap();
    for (status, bytes) in [
        (200, request("GET /", &host)),
        (200, request("GET /", &format!("host: LOCALHOST:{port}\r\n"))),
        (421, request("GET /", "")),
        (421, request("GET /", "Host: example.org\r\n")),
        (421, request("GET /", &format!("Host: example.org:{port}\r\n"))),
        (421, request("GET /", "Host: 127.0.0.1:1\r\n")),
        (405, request("POST /", &host)),
        (404, request("GET /.statesx", &host)),
        (431, long.clone().into_bytes()),
        (431, request(&format!("GET /{long}"), &host)),
        (431, request("GET /", &format!("{host}X: {long}\r\n"))),
        (431, request("GET /", &format!("{host}{}", "X: y\r\n".repeat(100)))),
        (400, b"\x00\x01\r\n\r\n".to_vec()),
    ] {
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(60)]).into_owned();
        assert_eq!(server.asked(&bytes), status, "{shown}");
    }
}

#[test]
fn a_port_in_use_is_refused_and_ctrl_c_ends_the_server() {
    let mut server = Server::start(&[]);
    let port = server.address.rsplit(':').next().unwrap();
    let says = format!("port {port} of 127.0.0.1 cannot be used");
    crate::command::refused(&["explore", "--port", port], &[&says, "--port 0"]);
    let id = server.child.id().to_string();
    assert!(Command::new("kill").args(["-s", "INT", &id]).status().unwrap().success());
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
}

#[test]
fn true_numbers_add_no_state_and_hide_none() {
    let instance = Instance::named("smoke").unwrap();
    let without = Vec::new();
    let faults = Faults::only(Fault::LinkDown);
    let (bounds, variant) = (Bounds { faults, ..instance.bounds }, Variant::Hardened);
    let subject = Subject { instance: instance.name.into(), bounds, variant, without };
    let world = subject.world().checker().spawn_dfs().join();
    let explored = Explored::new(subject).checker().spawn_dfs().join();
    assert!(world.unique_state_count() > 1000);
    assert_eq!(explored.unique_state_count(), world.unique_state_count());
    assert_eq!(explored.state_count(), world.state_count());
}
