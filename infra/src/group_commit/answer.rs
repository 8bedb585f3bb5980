//! What those who append are told.

use cairn_commands::ports::event_store::{Appended, StoreError};

use super::append::AppendJob;
use super::judge::Verdict;

/// Tells everybody what became of their appends.
pub(crate) fn answer(jobs: Vec<AppendJob>, verdicts: Vec<Vec<Verdict>>) {
    for (job, verdicts) in jobs.into_iter().zip(verdicts) {
        verdicts.iter().for_each(count);
        // Whoever asked may have gone away; the append stands all the same.
        let _ = job.answer.send(verdicts.into_iter().map(Verdict::into_result).collect());
    }
}

/// Tells everybody that the group failed.
pub(crate) fn refuse(jobs: Vec<AppendJob>, error: impl Fn() -> StoreError) {
    let appends: usize = jobs.iter().map(|job| job.appends.len()).sum();
    metrics::counter!("cairn_log_appends_total", "outcome" => "failed").increment(appends as u64);
    for job in jobs {
        let _ = job.answer.send(Err(error()));
    }
}

fn count(verdict: &Verdict) {
    let outcome = match verdict {
        Verdict::Appended(_) => "appended",
        Verdict::Repeated(_) => "repeated",
        Verdict::Refused(StoreError::Conflict { .. }) => "conflict",
        Verdict::Refused(_) => "refused",
    };
    metrics::counter!("cairn_log_appends_total", "outcome" => outcome).increment(1);
}

impl Verdict {
    fn into_result(self) -> Result<Appended, StoreError> {
        match self {
            Self::Appended(appended) | Self::Repeated(appended) => Ok(appended),
            Self::Refused(error) => Err(error),
        }
    }
}
