//! Chance from the operating system.

use cairn_commands::ports::ids::Ids;
use cairn_domain::CommandId;

/// Everything that must not be guessed comes from here.
#[derive(Debug, Clone, Copy, Default)]
pub struct RandomIds;

impl Ids for RandomIds {
    fn random(&self) -> [u8; 32] {
        fill()
    }

    /// A uuid v4 (RFC 9562, section 5.4): 122 bits of chance.
    fn command(&self) -> CommandId {
        CommandId(uuid::Builder::from_random_bytes(fill()).into_uuid())
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the Ids port that everyone else asks")]
#[expect(clippy::expect_used, reason = "an operating system without chance can't keep any secret: better to stop")]
fn fill<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_are_alike() {
        assert_ne!(RandomIds.random(), RandomIds.random());
        assert_ne!(RandomIds.command(), RandomIds.command());
    }

    #[test]
    fn a_command_is_a_uuid_of_version_4() {
        let id = RandomIds.command().0;
        assert_eq!((id.get_version_num(), id.get_variant()), (4, uuid::Variant::RFC4122));
    }
}
