//! Chance, as an argument.

use cairn_domain::CommandId;

/// A source of what must not be guessed.
pub trait Ids: Send + Sync {
    /// 256 unpredictable bits from the operating system.
    fn random(&self) -> [u8; 32];

    /// A new command, unlike any other.
    fn command(&self) -> CommandId;
}

/// The twin: 1, 2, 3 and so on, spread over the bits, the same in every run.
#[derive(Debug, Default)]
pub struct SequentialIds(std::sync::atomic::AtomicU64);

impl SequentialIds {
    fn next(&self) -> u64 {
        self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst) + 1
    }
}

impl Ids for SequentialIds {
    fn random(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        bytes[24..].copy_from_slice(&self.next().to_be_bytes());
        bytes
    }

    fn command(&self) -> CommandId {
        CommandId(uuid::Uuid::from_u128(u128::from(self.next())))
    }
}
