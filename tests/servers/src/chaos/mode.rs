use std::time::Duration;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Pass,
    Latency(Duration),
    /// Bytes per second, at least 1.
    Rate(u64),
    BlackHole,
    HalfOpen,
    Refuse,
    CutAfter(u64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    ToServer,
    ToClient,
}

impl Mode {
    /// Does anything go this way, sooner or later?
    pub(super) fn passes(self, direction: Direction) -> bool {
        match self {
            Self::BlackHole => false,
            Self::HalfOpen => direction == Direction::ToServer,
            Self::Pass | Self::Latency(_) | Self::Rate(_) | Self::Refuse | Self::CutAfter(_) => true,
        }
    }
}

/// What all connections look at.
#[derive(Clone, Copy, Debug)]
pub(super) struct State {
    pub(super) mode: Mode,
    /// How many modes there were: bytes are counted anew in each.
    pub(super) modes: u64,
    /// How often all connections were reset: one that began before the last time must end.
    pub(super) resets: u64,
}

impl Default for State {
    fn default() -> Self {
        Self { mode: Mode::Pass, modes: 0, resets: 0 }
    }
}

impl State {
    pub(super) fn set(&mut self, mode: Mode) {
        self.mode = mode;
        self.modes += 1;
    }

    pub(super) fn flap(&mut self, is_up: bool) {
        if is_up {
            self.set(Mode::Pass);
        } else {
            self.set(Mode::Refuse);
            self.reset();
        }
    }

    pub(super) fn reset(&mut self) {
        self.resets += 1;
    }
}
