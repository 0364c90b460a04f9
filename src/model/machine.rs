//! The ticket machine, one for all services.
//!
//! new →open→ waiting →dispatch→ sent →accept→ working →finish→ done →visit→ visited →rate→ rated →close→ closed,
//! with the shortcuts and loops listed in [`next_state`]. Overdue is a property of the clock, not a state.

/// Where a ticket is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    Waiting,
    Sent,
    Working,
    Done,
    Visited,
    Rated,
    Closed,
}

impl State {
    pub const ALL: [State; 7] =
        [State::Waiting, State::Sent, State::Working, State::Done, State::Visited, State::Rated, State::Closed];

    pub fn name(self) -> &'static str {
        match self {
            State::Waiting => "waiting",
            State::Sent => "sent",
            State::Working => "working",
            State::Done => "done",
            State::Visited => "visited",
            State::Rated => "rated",
            State::Closed => "closed",
        }
    }

    pub fn from_name(name: &str) -> Option<State> {
        State::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Open means waiting, sent or working.
    pub fn is_open(self) -> bool {
        matches!(self, State::Waiting | State::Sent | State::Working)
    }
}

/// The state after `kind`, or `None` when that can't happen from here (`None` as `state`: the ticket is new).
///
/// A unit that finishes without signing for it (sent → finish), and one that is sent on without a rejection
/// (sent → dispatch), are common in real exports and accepted; so are a visit that also rates (done → rate) and
/// closing without a visit.
pub fn next_state(state: Option<State>, kind: &str) -> Option<State> {
    use State::{Closed, Done, Rated, Sent, Visited, Waiting, Working};
    let Some(state) = state else {
        return (kind == "open").then_some(Waiting);
    };
    match (state, kind) {
        (Waiting | Sent | Working, "dispatch") => Some(Sent),
        (Sent, "accept") => Some(Working),
        (Sent | Working, "reject") => Some(Waiting),
        // A step of the work says that the work began.
        (Sent | Working, "reach" | "propose" | "onsite" | "extend" | "escalate" | "grant") => Some(Working),
        // Instant services (a one-key call) work without being sent to a unit.
        (Waiting, "accept" | "reach" | "propose" | "onsite" | "grant") => Some(Working),
        (Waiting, "extend" | "escalate") => Some(Waiting),
        (Waiting | Sent | Working, "finish") => Some(Done),
        (Done, "visit") => Some(Visited),
        (Done | Visited, "rate") => Some(Rated),
        (Done | Visited | Rated, "close") => Some(Closed),
        (Done | Visited | Rated, "reopen") => Some(Waiting),
        (Waiting | Sent | Working, "merge") => Some(Closed),
        _ => None,
    }
}

/// +1 when the ticket becomes open, −1 when it stops being open, else 0: the sum is the number open.
pub fn open_delta(before: Option<State>, after: State) -> i64 {
    i64::from(after.is_open()) - i64::from(before.is_some_and(State::is_open))
}

/// Which of several events with the same time comes first: the order of the machine.
pub fn kind_order(kind: &str) -> u8 {
    match kind {
        "open" => 0,
        "dispatch" => 1,
        "accept" => 2,
        "reject" => 3,
        "reach" => 4,
        "propose" => 5,
        "onsite" => 6,
        "extend" => 7,
        "escalate" => 8,
        "grant" => 9,
        "finish" => 10,
        "merge" => 11,
        "visit" => 12,
        "rate" => 13,
        "reopen" => 14,
        "close" => 15,
        // Contacts in their own order; other streams keep their sequence.
        "arrive" => 20,
        "bot" => 21,
        "handoff" => 22,
        "queue" => 23,
        "answer" => 24,
        "abandon" => 25,
        "end" => 26,
        "inspect" => 27,
        "callback" => 28,
        _ => 40,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::stream::Stream;

    fn walk(kinds: &[&str]) -> Option<State> {
        let mut state = None;
        for kind in kinds {
            state = Some(next_state(state, kind)?);
        }
        state
    }

    #[test]
    fn the_whole_loop_and_its_shortcuts() {
        assert_eq!(walk(&["open", "dispatch", "accept", "finish", "visit", "rate", "close"]), Some(State::Closed));
        assert_eq!(walk(&["open", "finish"]), Some(State::Done));
        assert_eq!(walk(&["open", "dispatch", "reject", "dispatch", "accept"]), Some(State::Working));
        assert_eq!(walk(&["open", "finish", "reopen", "finish"]), Some(State::Done));
        assert_eq!(walk(&["open", "merge"]), Some(State::Closed));
    }

    #[test]
    fn what_cannot_happen_does_not() {
        for kinds in [
            &["finish"][..],
            &["open", "open"],
            &["open", "rate"],
            &["open", "finish", "finish"],
            &["open", "merge", "finish"],
        ] {
            assert_eq!(walk(kinds), None, "{kinds:?}");
        }
    }

    #[test]
    fn the_sum_of_deltas_is_the_number_open_on_every_walk() {
        // Every walk of five steps through the machine.
        let mut walks = vec![(None, 0)];
        for _ in 0..5 {
            walks = walks
                .into_iter()
                .flat_map(|(state, open)| {
                    Stream::Tickets.kinds().iter().filter_map(move |kind| {
                        let after = next_state(state, kind)?;
                        Some((Some(after), open + open_delta(state, after)))
                    })
                })
                .collect();
            for (state, open) in &walks {
                assert_eq!(*open, i64::from(state.is_some_and(State::is_open)));
            }
        }
    }
}
