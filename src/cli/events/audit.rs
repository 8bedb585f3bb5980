use std::process::ExitCode;
use std::str::FromStr;
use std::time::Instant;

use anyhow::Context;
use cairn_commands::audit::{Audited, Expected, Finding, Known, Looked, audit_blobs, audit_log};
use clap::Args;
use serde_json::json;

use super::Place;
use crate::cli::progress::{copies_bar, events_bar};
use crate::cli::{EXIT_FINDINGS, explained, note, say};
use crate::data::DataDirectory;
use crate::wiring::{OpenDigests, OpenLog, open_digests, open_log, open_stores};

#[derive(Debug, Args)]
pub(in crate::cli) struct Audit {
    /// Read every copy of every content and compare its SHA-256.
    #[arg(long, conflicts_with = "no_blobs")]
    deep: bool,
    /// Look at the log alone.
    #[arg(long)]
    no_blobs: bool,
    /// A digest that an earlier audit or export has told: the log must still begin with these events. May be given more than once.
    #[arg(long, value_name = "EVENTS:DIGEST")]
    expect: Vec<ExpectedDigest>,
    #[command(flatten)]
    place: Place,
    /// One JSON object a line: each finding, and then what was looked at.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy)]
struct ExpectedDigest(Expected);

impl FromStr for ExpectedDigest {
    type Err = anyhow::Error;
    fn from_str(text: &str) -> anyhow::Result<Self> {
        let (events, digest) =
            text.split_once(':').context("it has no colon: a number of events, a colon and a digest are wanted")?;
        let events = events.parse().context("what stands before the colon is no number of events")?;
        Ok(Self(Expected { events, digest: digest.parse().context("what stands behind the colon is no digest")? }))
    }
}

impl Audit {
    pub(super) async fn print(self) -> anyhow::Result<ExitCode> {
        let config = self.place.visit()?;
        let data = DataDirectory::of(&config)?;
        let OpenLog { store: log, closing, .. } = open_log(&config, &data).await?;
        let OpenDigests { digests, closing: digests_closing } = open_digests(&config, &data).await?;
        let started = Instant::now();
        let mut findings = 0_u64;
        let mut report = |finding: Finding| {
            findings += 1;
            say(&if self.json { as_json(&finding) } else { finding.to_string() });
        };
        let expected: Vec<Expected> = self.expect.iter().map(|expected| expected.0).collect();
        let bar = events_bar(log.head().await?.0);
        let known = Known { expected: &expected, contiguous: config.log_adapter()?.is_contiguous() };
        let audit = audit_log(&*log, &*digests, known, &mut report, &|events| bar.set_position(events)).await?;
        bar.finish_and_clear();
        let mut looked = None;
        if !self.no_blobs {
            let stores = open_stores(&config, &data).await?.stores;
            let bar = copies_bar(audit.contents().stored().len() as u64);
            let progress = |copies| bar.set_position(copies);
            let done = audit_blobs(&*log, &stores, audit.contents(), self.deep, &mut report, &progress).await;
            bar.finish_and_clear();
            match done.context("the contents can't be looked at") {
                Ok(done) => looked = Some(done),
                // What was found so far is the answer.
                Err(error) if findings > 0 => note(&format!("cairn: {}", explained(&error))),
                Err(error) => return Err(error),
            }
        }
        digests_closing.close().await;
        closing.close().await;
        self.tell(audit.audited(), looked, findings, started.elapsed().as_secs_f64());
        Ok(if findings == 0 { ExitCode::SUCCESS } else { ExitCode::from(EXIT_FINDINGS) })
    }

    fn tell(&self, audited: Audited, looked: Option<Looked>, findings: u64, seconds: f64) {
        let Audited { events, last, digest, compared } = audited;
        if self.json {
            let copies = looked.map(|looked| json!({ "copies": looked.copies, "bytes_read": looked.bytes }));
            let log = json!({ "events": events, "last": last, "digest": digest, "compared": compared });
            say(&json!({ "log": log, "contents": copies, "findings": findings, "seconds": seconds }).to_string());
            return;
        }
        let copies = looked.map_or_else(String::new, |looked| format!(" and {} copies of contents", looked.copies));
        let outcome = match findings {
            0 => "all is as it should be".to_owned(),
            1 => "1 thing is not as it should be".to_owned(),
            many => format!("{many} things are not as they should be"),
        };
        say(&format!("Looked at {events} events{copies} in {seconds:.1} s: {outcome}."));
        say(&if compared == 0 && events > 0 {
            "None of them was compared with a digest: none that fits is kept, so whether the log was altered is not known."
                .to_owned()
        } else {
            format!("Compared with the digests that are kept of the log: up to event {compared} of {events}.")
        });
        say(&format!("The digest of the log is {events}:{digest}; a later audit can be told to --expect it."));
    }
}

fn as_json(finding: &Finding) -> String {
    json!({ "finding": finding.code(), "position": finding.position(), "message": finding.to_string() }).to_string()
}
