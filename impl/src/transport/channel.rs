//! A link inside one process: a bounded queue on the doorway's primitives, so that loom and shuttle can interleave it.
//! It loses nothing by itself; a scenario that wants a lossy link drops messages between two channels.

use std::collections::VecDeque;

use crate::doorway::{Arc, Condvar, Mutex};

use super::{Closer, LinkError, Receiver, Sender};

/// A link that holds up to `capacity` messages; one that holds none could not pass any, so 0 counts as 1.
///
/// The link closes when [`Closer::close`] is called, when the receiver is dropped, or when the last sender is dropped.
/// What was sent before is still received; what comes after is refused.
#[must_use]
pub fn channel<M>(capacity: usize) -> (ChannelSender<M>, ChannelReceiver<M>) {
    let state = State { messages: VecDeque::new(), closed: false, senders: 1 };
    let shared = Shared {
        state: Mutex::new(state),
        arrived: Condvar::new(),
        room: Condvar::new(),
        capacity: capacity.max(1),
    };
    let shared = Arc::new(shared);
    (ChannelSender { shared: Arc::clone(&shared) }, ChannelReceiver { shared })
}

struct Shared<M> {
    state: Mutex<State<M>>,
    /// Signalled when a message arrives or the link closes.
    arrived: Condvar,
    /// Signalled when a message leaves or the link closes.
    room: Condvar,
    capacity: usize,
}

struct State<M> {
    /// Invariant: at most `capacity`.
    messages: VecDeque<M>,
    /// Invariant: never reset.
    closed: bool,
    /// How many [`ChannelSender`]s live.
    senders: usize,
}

impl<M> Shared<M> {
    fn close(&self) {
        self.state.lock().closed = true;
        self.arrived.notify_all();
        self.room.notify_all();
    }
}

/// The end of a [`channel`] that messages go into; clones feed the same queue.
pub struct ChannelSender<M> {
    shared: Arc<Shared<M>>,
}

impl<M: Send> Sender<M> for ChannelSender<M> {
    fn send(&self, message: M) -> Result<(), LinkError> {
        let mut state = self.shared.state.lock();
        while !state.closed && state.messages.len() >= self.shared.capacity {
            state = self.shared.room.wait(state);
        }
        if state.closed {
            return Err(LinkError::Closed);
        }
        state.messages.push_back(message);
        drop(state);
        self.shared.arrived.notify_one();
        Ok(())
    }
}

impl<M: Send> Closer for ChannelSender<M> {
    fn close(&self) {
        self.shared.close();
    }
}

impl<M> Clone for ChannelSender<M> {
    fn clone(&self) -> Self {
        self.shared.state.lock().senders += 1;
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<M> Drop for ChannelSender<M> {
    fn drop(&mut self) {
        let last = {
            let mut state = self.shared.state.lock();
            state.senders = state.senders.saturating_sub(1);
            state.senders == 0
        };
        if last {
            self.shared.close();
        }
    }
}

/// The end of a [`channel`] that messages come out of.
pub struct ChannelReceiver<M> {
    shared: Arc<Shared<M>>,
}

impl<M> ChannelReceiver<M> {
    /// The next message if there is one now; never waits.
    ///
    /// # Errors
    /// [`LinkError::Closed`] once nothing is left and the link is closed.
    pub fn try_recv(&mut self) -> Result<Option<M>, LinkError> {
        let mut state = self.shared.state.lock();
        let message = state.messages.pop_front();
        let closed = state.closed;
        drop(state);
        if message.is_some() {
            self.shared.room.notify_one();
        }
        if message.is_none() && closed { Err(LinkError::Closed) } else { Ok(message) }
    }
}

impl<M: Send> Receiver<M> for ChannelReceiver<M> {
    fn recv(&mut self) -> Result<M, LinkError> {
        let mut state = self.shared.state.lock();
        loop {
            if let Some(message) = state.messages.pop_front() {
                drop(state);
                self.shared.room.notify_one();
                return Ok(message);
            }
            if state.closed {
                return Err(LinkError::Closed);
            }
            state = self.shared.arrived.wait(state);
        }
    }
}

impl<M> Drop for ChannelReceiver<M> {
    fn drop(&mut self) {
        self.shared.close();
    }
}

// Loom's primitives work inside a loom model only, shuttle's inside a shuttle one; scenarios cover those engines.
#[cfg(all(test, not(feature = "loom"), not(feature = "shuttle")))]
mod tests {
    use super::*;
    use std::thread;
    use std::time::Duration;

    fn closed<T>(outcome: &Result<T, LinkError>) -> bool {
        matches!(outcome, Err(LinkError::Closed))
    }

    #[test]
    fn messages_arrive_in_order_through_a_small_queue() -> Result<(), LinkError> {
        let (sender, mut receiver) = channel(2);
        thread::scope(|scope| {
            scope.spawn(move || (0..1000).try_for_each(|number| sender.send(number)));
            for number in 0..1000 {
                assert_eq!(receiver.recv()?, number);
            }
            assert!(closed(&receiver.recv()));
            Ok(())
        })
    }

    #[test]
    fn every_sender_is_heard_and_the_last_one_closes() {
        let (sender, mut receiver) = channel(1);
        thread::scope(|scope| {
            for number in 0..4_u32 {
                let sender = sender.clone();
                scope.spawn(move || (0..50).try_for_each(|_| sender.send(number)));
            }
            drop(sender);
            let mut heard = [0; 4];
            while let Ok(number) = receiver.recv() {
                heard[number as usize] += 1;
            }
            assert_eq!(heard, [50; 4]);
        });
    }

    #[test]
    fn close_wakes_a_blocked_receiver() {
        let (sender, mut receiver) = channel::<u8>(1);
        thread::scope(|scope| {
            let waiting = scope.spawn(move || receiver.recv());
            thread::sleep(Duration::from_millis(20));
            assert!(!waiting.is_finished());
            sender.close();
            assert!(waiting.join().is_ok_and(|outcome| closed(&outcome)));
        });
    }

    #[test]
    fn close_wakes_a_blocked_sender_and_keeps_what_was_sent() -> Result<(), LinkError> {
        let (sender, mut receiver) = channel(1);
        sender.send(1)?;
        thread::scope(|scope| {
            let closer = sender.clone();
            let waiting = scope.spawn(move || sender.send(2));
            thread::sleep(Duration::from_millis(20));
            assert!(!waiting.is_finished());
            closer.close();
            assert!(waiting.join().is_ok_and(|outcome| closed(&outcome)));
        });
        assert_eq!(receiver.try_recv()?, Some(1));
        assert!(closed(&receiver.try_recv()));
        Ok(())
    }

    #[test]
    fn a_dropped_receiver_refuses_senders() {
        let (sender, receiver) = channel(1);
        drop(receiver);
        assert!(closed(&sender.send(1)));
    }

    #[test]
    fn try_recv_never_waits() -> Result<(), LinkError> {
        let (sender, mut receiver) = channel(0);
        assert_eq!(receiver.try_recv()?, None);
        sender.send(1)?;
        assert_eq!(receiver.try_recv()?, Some(1));
        Ok(())
    }
}

/// Every interleaving of two threads, so that a lost wake-up shows as a deadlock.
#[cfg(all(test, feature = "loom"))]
mod interleavings {
    use super::*;
    use crate::doorway::thread;

    #[test]
    fn every_message_crosses_a_queue_of_one() {
        loom::model(|| {
            let (sender, mut receiver) = channel(1);
            let sending = thread::spawn(move || (0..3).all(|number| sender.send(number).is_ok()));
            let received: Vec<u32> = std::iter::from_fn(|| receiver.recv().ok()).collect();
            assert_eq!(received, [0, 1, 2]);
            assert!(sending.join().is_ok_and(|all| all));
        });
    }

    #[test]
    fn close_wakes_a_waiting_receiver() {
        loom::model(|| {
            let (sender, mut receiver) = channel::<u8>(1);
            let receiving = thread::spawn(move || receiver.recv().is_err());
            sender.close();
            assert!(receiving.join().is_ok_and(|closed| closed));
        });
    }

    #[test]
    fn close_wakes_a_waiting_sender() {
        loom::model(|| {
            let (sender, _receiver) = channel(1);
            let closer = sender.clone();
            let sending = thread::spawn(move || [sender.send(1).is_ok(), sender.send(2).is_ok()]);
            closer.close();
            assert!(sending.join().is_ok_and(|sent| !sent[1]));
        });
    }

    #[test]
    fn a_dropped_receiver_wakes_a_blocked_sender() {
        loom::model(|| {
            let (sender, receiver) = channel(1);
            let sending = thread::spawn(move || [sender.send(1).is_ok(), sender.send(2).is_ok()]);
            drop(receiver);
            assert!(sending.join().is_ok_and(|sent| !sent[1]));
        });
    }
}
