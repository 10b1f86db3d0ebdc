//! Where callers are greeted: side by side, so that those who say nothing hold up nobody. What a greeting is stands in
//! [`super::tcp`].
//!
//! Story of why the oldest greeting gives way, and not the newest caller:
//! 1. Strangers call as often as they like and say nothing. There is room for so many of them, and no more.
//! 2. If the next caller were sent away, the peer would be, for as long as a greeting may take, again and again.
//! 3. The peer says who it is within a moment, so whoever has taken longest is the least likely to be the peer.

use std::collections::VecDeque;
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::frame::Hello;

use super::tcp::{HELLO_TIMEOUT, Incoming, Link, Listener, ListenerCloser};
use super::tls::Security;
use super::{Closer, LinkError};

/// So many callers are greeted at once.
pub const GREETINGS_MAX: usize = 16;

/// Listens, and greets whoever calls. It stops when dropped.
pub struct Reception {
    shared: Arc<Shared>,
    closer: ListenerCloser,
    addr: SocketAddr,
    accepting: Option<JoinHandle<()>>,
}

struct Shared {
    hello: Hello,
    security: Security,
    /// How long a greeting may take.
    limit: Duration,
    state: Mutex<State>,
    /// Signalled after every change of the state.
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Whether somebody waits in [`Reception::next`]. Callers wait in the system's queue until then: whoever is greeted
    /// takes the link for up.
    wanted: bool,
    /// Who is being greeted, the oldest first, with the number of the greeting. Invariant: at most [`GREETINGS_MAX`].
    greeted: VecDeque<(u64, TcpStream)>,
    /// Greetings that have begun.
    begun: u64,
    /// What came of the greetings since it was asked last: a link rather than a refusal, and the newest.
    outcome: Option<Result<Link, LinkError>>,
    /// Invariant: never reset.
    closed: bool,
}

impl Reception {
    /// Listens on `addr` ("host:port"; port 0 lets the system choose).
    ///
    /// # Errors
    /// The address is not this machine's, or is taken; or the system starts no more threads.
    pub fn bind(addr: &str, hello: Hello, security: Security) -> Result<Self, LinkError> {
        Self::with_limit(addr, hello, security, HELLO_TIMEOUT)
    }

    fn with_limit(
        addr: &str,
        hello: Hello,
        security: Security,
        limit: Duration,
    ) -> Result<Self, LinkError> {
        let listener = Listener::bind(addr)?;
        let (closer, addr) = (listener.closer(), listener.local_addr()?);
        let state = Mutex::new(State::default());
        let shared = Arc::new(Shared { hello, security, limit, state, changed: Condvar::new() });
        let accepting = start("accept", {
            let shared = Arc::clone(&shared);
            move || shared.accept(listener)
        })?;
        Ok(Self { shared, closer, addr, accepting: Some(accepting) })
    }

    /// The address that callers call.
    #[must_use]
    pub const fn local_addr(&self) -> SocketAddr {
        self.addr
    }

    /// The next caller that belongs here, or why the last one did not. For one thread at a time.
    ///
    /// # Errors
    /// [`LinkError::Closed`] once the reception is closed. Any other error is a caller's, or passes; the reception may be
    /// asked again.
    pub fn next(&self) -> Result<Link, LinkError> {
        let mut state = self.shared.lock();
        state.wanted = true;
        self.shared.changed.notify_all();
        let outcome = loop {
            if state.closed {
                break Err(LinkError::Closed);
            }
            if let Some(outcome) = state.outcome.take() {
                break outcome;
            }
            state = self.shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        };
        state.wanted = false;
        outcome
    }

    /// Ends the reception, every greeting, and every wait in it. Links that were made go on.
    pub fn close(&self) {
        let mut state = self.shared.lock();
        state.closed = true;
        for (_, socket) in &state.greeted {
            dismiss(socket);
        }
        drop(state);
        self.shared.changed.notify_all();
        self.closer.close();
    }
}

impl Drop for Reception {
    fn drop(&mut self) {
        self.close();
        if let Some(accepting) = self.accepting.take() {
            // It has no more to say than that it is over.
            let _ = accepting.join();
        }
    }
}

impl Shared {
    /// What is held is whole at every moment, whoever panicked.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until somebody wants a link. False once the reception is closed.
    fn is_wanted(&self) -> bool {
        let mut state = self.lock();
        while !state.wanted && !state.closed {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        !state.closed
    }

    /// The accepting thread's whole work.
    fn accept(self: Arc<Self>, mut listener: Listener) {
        while self.is_wanted() {
            let accepted = listener.accept();
            // The link may have been cut while nobody called.
            if !self.is_wanted() {
                return;
            }
            let refused = match accepted {
                Ok(incoming) => self.begin(incoming).err(),
                Err(LinkError::Closed) => return,
                Err(error) => Some(error),
            };
            if let Some(error) = refused {
                self.settle(Err(error));
            }
        }
    }

    /// Begins a greeting, on a thread of its own.
    fn begin(self: &Arc<Self>, incoming: Incoming) -> Result<(), LinkError> {
        let socket = incoming.socket()?;
        let number = {
            let mut state = self.lock();
            if state.greeted.len() == GREETINGS_MAX
                && let Some((_, oldest)) = state.greeted.pop_front()
            {
                dismiss(&oldest);
            }
            state.begun += 1;
            let number = state.begun;
            state.greeted.push_back((number, socket));
            number
        };
        let shared = Arc::clone(self);
        let started = start("greet", move || {
            let outcome = incoming.greet_within(&shared.hello, &shared.security, shared.limit);
            shared.lock().greeted.retain(|(of, _)| *of != number);
            shared.settle(outcome);
        });
        if started.is_err() {
            self.lock().greeted.retain(|(of, _)| *of != number);
        }
        started.map(|_| ())
    }

    /// Hands on what came of a greeting.
    fn settle(&self, outcome: Result<Link, LinkError>) {
        let mut state = self.lock();
        let unwanted = match (&state.outcome, outcome) {
            (_, Ok(link)) if state.wanted && !state.closed => state.outcome.replace(Ok(link)),
            // Nobody waits for it any more, and its caller must not take it for up.
            (_, Ok(link)) => Some(Ok(link)),
            (Some(Ok(_)), Err(_)) => None,
            (_, Err(error)) => state.outcome.replace(Err(error)),
        };
        self.changed.notify_all();
        drop(state);
        if let Some(Ok(link)) = unwanted {
            link.closer.close();
        }
    }
}

/// Ends a caller's connection. It fails only if the caller was faster.
fn dismiss(socket: &TcpStream) {
    let _ = socket.shutdown(Shutdown::Both);
}

fn start(name: &str, body: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, LinkError> {
    let started = thread::Builder::new().name(name.to_owned()).spawn(body);
    started.map_err(|source| LinkError::Io { doing: format!("start the thread {name}"), source })
}

#[cfg(test)]
mod tests {
    use std::error::Error;
    use std::io::{ErrorKind, Read};

    use super::*;
    use crate::frame::Role;
    use crate::transport::tcp::connect;

    fn hello(role: Role) -> Hello {
        Hello {
            role,
            group: "g".to_owned(),
            block_size: 16,
            blocks: 4,
            silence_ms: Hello::USUAL_SILENCE_MS,
        }
    }

    /// A reception whose strangers have all the time there is.
    fn patient() -> Result<Reception, LinkError> {
        let far = Duration::from_secs(3600);
        Reception::with_limit("127.0.0.1:0", hello(Role::Secondary), Security::Plain, far)
    }

    fn is_dismissed(mut caller: &TcpStream) -> Result<bool, Box<dyn Error>> {
        caller.set_nonblocking(true)?;
        match caller.read(&mut [0; 1]) {
            Ok(0) => Ok(true),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(false),
            other => Err(format!("{other:?}").into()),
        }
    }

    #[test]
    fn strangers_who_say_nothing_hold_up_nobody() -> Result<(), Box<dyn Error>> {
        let reception = patient()?;
        let addr = reception.local_addr().to_string();
        let strangers: Result<Vec<_>, _> = (0..30).map(|_| TcpStream::connect(&addr)).collect();
        let strangers = strangers?;
        thread::scope(|scope| {
            let called = scope.spawn(|| {
                loop {
                    match reception.next() {
                        Ok(link) => break Ok(link),
                        Err(LinkError::Closed) if reception.shared.lock().closed => break Err(()),
                        // A stranger that gave way.
                        Err(_) => {}
                    }
                }
            });
            let peer = connect(&addr, &hello(Role::Primary), &Security::Plain);
            assert!(peer.is_ok(), "{peer:?}");
            assert!(called.join().is_ok_and(|link| link.is_ok()));
        });
        let left = strangers.iter().map(is_dismissed).collect::<Result<Vec<_>, _>>()?;
        let waiting = left.iter().filter(|dismissed| !**dismissed).count();
        assert_eq!(waiting, GREETINGS_MAX - 1, "those there is room for, but for the peer's");
        assert!(left.iter().take(30 - waiting).all(|dismissed| *dismissed), "the oldest gave way");
        Ok(())
    }

    #[test]
    fn nobody_is_greeted_before_a_link_is_wanted() -> Result<(), Box<dyn Error>> {
        let reception = patient()?;
        let addr = reception.local_addr().to_string();
        thread::scope(|scope| {
            let peer =
                scope.spawn(|| connect(&addr, &hello(Role::Primary), &Security::Plain).is_ok());
            thread::sleep(Duration::from_millis(50));
            assert!(!peer.is_finished(), "the caller waits");
            assert!(reception.next().is_ok());
            assert!(peer.join().is_ok_and(|met| met));
        });
        Ok(())
    }

    #[test]
    fn a_refused_caller_is_told_of_and_the_next_one_is_greeted() -> Result<(), Box<dyn Error>> {
        let reception = patient()?;
        let addr = reception.local_addr().to_string();
        for (role, is_met) in [(Role::Requester, false), (Role::Primary, true)] {
            let met = thread::scope(|scope| {
                let peer = scope.spawn(|| connect(&addr, &hello(role), &Security::Plain).is_ok());
                let called = reception.next();
                let refused = matches!(&called, Err(LinkError::Hello(_)));
                assert_eq!(refused, !is_met, "{called:?}");
                peer.join().is_ok_and(|met| met)
            });
            assert_eq!(met, is_met);
        }
        Ok(())
    }

    #[test]
    fn closing_ends_every_wait_and_every_greeting() -> Result<(), Box<dyn Error>> {
        let reception = patient()?;
        let mut stranger = TcpStream::connect(reception.local_addr())?;
        thread::scope(|scope| {
            let waiting = scope.spawn(|| reception.next());
            while reception.shared.lock().greeted.is_empty() {
                thread::yield_now();
            }
            reception.close();
            assert!(waiting.join().is_ok_and(|link| matches!(link, Err(LinkError::Closed))));
        });
        assert_eq!(stranger.read(&mut [0; 1])?, 0);
        assert!(matches!(reception.next(), Err(LinkError::Closed)));
        let addr = reception.local_addr();
        drop(reception);
        assert!(TcpStream::connect(addr).is_err(), "the port is free again");
        Ok(())
    }
}
