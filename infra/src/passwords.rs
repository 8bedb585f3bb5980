//! Password hashing with argon2id.

use std::sync::Arc;
use std::thread::available_parallelism;

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::password_hash::{self, CustomizedPasswordHasher, Error, PasswordVerifier};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use async_trait::async_trait;
use cairn_commands::ports::BoxError;
use cairn_commands::ports::passwords::Passwords;
use tokio::sync::Semaphore;

/// Memory of one hash in KiB, passes over it, and lanes: the first choice of the OWASP cheat sheet on password storage.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Hashes that may wait for their turn, about two seconds' worth on two cores; more are refused at once, and come again.
const WAITING_MAX: usize = 128;

/// Of what a person may type; the hash costs the same for any length.
const DUMMY_PASSWORD: &[u8] = b"nobody's password";
const DUMMY_SALT: &[u8] = b"nobody's salt, in 32 bytes or so";

/// Hashes on threads of their own, as many at once as there are cores: more would take memory and give no speed.
#[derive(Debug)]
pub struct Argon2Passwords {
    params: Params,
    permits: Arc<Semaphore>,
    /// Those who wait for a permit and those who have one.
    places: Arc<Semaphore>,
    /// What is verified against when there is no account.
    dummy: String,
}

impl Argon2Passwords {
    /// Makes the hasher; takes about as long as one hash.
    pub fn new() -> Result<Self, BoxError> {
        let params = Params::new(MEMORY_KIB, PASSES, LANES, None)?;
        let dummy = phc(&params, DUMMY_PASSWORD, DUMMY_SALT)?;
        let permits = available_parallelism().map_or(1, std::num::NonZero::get);
        let places = Arc::new(Semaphore::new(WAITING_MAX));
        Ok(Self { params, permits: Arc::new(Semaphore::new(permits)), places, dummy })
    }

    /// Runs the work when it is its turn. It goes on to its end even if nobody waits any more, and keeps its permit until then.
    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> Result<T, BoxError> + Send + 'static) -> Result<T, BoxError> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| "too many wait for a password hash")?;
        let permit = Arc::clone(&self.permits).acquire_owned().await?;
        let work = move || {
            let _held = (place, permit);
            work()
        };
        tokio::task::spawn_blocking(work).await?
    }
}

#[async_trait]
impl Passwords for Argon2Passwords {
    async fn hash(&self, password: String, salt: [u8; 32]) -> Result<String, BoxError> {
        let params = self.params.clone();
        self.run(move || phc(&params, password.as_bytes(), &salt)).await
    }

    async fn verify(&self, password: String, hash: Option<String>) -> Result<bool, BoxError> {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.dummy.clone());
        let right = self.run(move || verify(&password, &hash)).await?;
        Ok(known && right)
    }
}

fn phc(params: &Params, password: &[u8], salt: &[u8]) -> Result<String, BoxError> {
    Ok(Hasher.hash_password_customized(password, salt, None, None, params.clone())?.to_string())
}

/// The parameters are those of the hash, so that older hashes stay good when the parameters change.
fn verify(password: &str, hash: &str) -> Result<bool, BoxError> {
    match Hasher.verify_password(password.as_bytes(), &PasswordHash::new(hash)?) {
        Ok(()) => Ok(true),
        Err(Error::PasswordInvalid) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Argon2 whose memory goes back to the system with each hash.
struct Hasher;

/// An allocation above 32 MiB is mapped and unmapped by itself in every case (mallopt(3), `M_MMAP_THRESHOLD`). The 19 MiB that
/// a hash needs would come to stay in the arena of each thread that ever made one: 291 MiB after 20 sign-ins (measured).
/// What is reserved beyond the need is never touched and takes no memory.
const MAPPED_BLOCKS_MIN: usize = 33 * 1024;

impl CustomizedPasswordHasher<PasswordHash> for Hasher {
    type Params = Params;

    fn hash_password_customized(
        &self,
        password: &[u8],
        salt: &[u8],
        algorithm: Option<&str>,
        version: Option<u32>,
        params: Params,
    ) -> password_hash::Result<PasswordHash> {
        let algorithm = algorithm.map(Algorithm::try_from).transpose()?.unwrap_or(Algorithm::Argon2id);
        let version = version.map(Version::try_from).transpose()?.unwrap_or(Version::V0x13);
        let salt = Salt::new(salt)?;
        let mut buffer = [0; Output::MAX_LENGTH];
        let output = buffer.get_mut(..params.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN)).ok_or(Error::OutputSize)?;
        let mut memory = Vec::with_capacity(params.block_count().max(MAPPED_BLOCKS_MIN));
        memory.resize(params.block_count(), Block::new());
        let hasher = Argon2::new(algorithm, version, params.clone());
        hasher.hash_password_into_with_memory(password, &salt, output, &mut memory)?;
        Ok(PasswordHash {
            algorithm: algorithm.ident(),
            version: Some(version.into()),
            params: ParamsString::try_from(&params)?,
            salt: Some(salt),
            hash: Some(Output::new(output)?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_known_by_its_hash_only() -> Result<(), BoxError> {
        let passwords = Argon2Passwords::new()?;
        let hash = passwords.hash("correct horse 马".to_owned(), [7; 32]).await?;
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(passwords.verify("correct horse 马".to_owned(), Some(hash.clone())).await?);
        assert!(!passwords.verify("correct horse".to_owned(), Some(hash.clone())).await?);
        assert_ne!(passwords.hash("correct horse 马".to_owned(), [8; 32]).await?, hash, "the salt counts");
        assert_eq!(passwords.hash("correct horse 马".to_owned(), [7; 32]).await?, hash, "and nothing else is random");
        Ok(())
    }

    #[tokio::test]
    async fn without_an_account_no_password_is_right() -> Result<(), BoxError> {
        let passwords = Argon2Passwords::new()?;
        for password in [DUMMY_PASSWORD, b"", b"another"] {
            assert!(!passwords.verify(String::from_utf8(password.to_vec())?, None).await?);
        }
        Ok(())
    }

    #[tokio::test]
    async fn what_is_no_hash_is_an_error_and_not_a_no() -> Result<(), BoxError> {
        let passwords = Argon2Passwords::new()?;
        assert!(passwords.verify("any".to_owned(), Some("plain:any".to_owned())).await.is_err());
        Ok(())
    }

    #[test]
    fn hashes_are_those_of_the_library() -> Result<(), BoxError> {
        use argon2::password_hash::PasswordHasher;
        let params = Params::new(MEMORY_KIB, PASSES, LANES, None)?;
        let library: PasswordHash = Argon2::from(params.clone()).hash_password_with_salt(b"secret", &[7; 32])?;
        assert_eq!(phc(&params, b"secret", &[7; 32])?, library.to_string());
        Ok(())
    }

    #[tokio::test]
    async fn a_hash_of_other_parameters_is_still_known() -> Result<(), BoxError> {
        let older = Params::new(8 * 1024, 1, 1, None)?;
        let hash = phc(&older, b"secret", &[1; 32])?;
        assert!(Argon2Passwords::new()?.verify("secret".to_owned(), Some(hash)).await?);
        Ok(())
    }
}
