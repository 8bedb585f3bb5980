//! The side of whoever gives an order.

use std::fs::File;

use anyhow::{Context, bail};
use cairn_domain::Position;
use cairn_infra::config::Config;
use cairn_projections::runner::Progress;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio_util::sync::CancellationToken;

use super::orders::{Order, Outcome};
use super::{LINE_BYTES_MAX, Told, socket_in};
use crate::data::{DataDirectory, Lock};
use crate::wiring::{Foundation, Who, keeps_views};

/// Whoever can write the read tables: this process, or the drive to which they belong while it runs.
pub(crate) enum Hand {
    Own { foundation: Foundation, _lock: Option<Lock> },
    Drive(UnixStream),
}

impl Hand {
    pub(crate) async fn of(config: &Config, data: &DataDirectory) -> anyhow::Result<Self> {
        let lock = if keeps_views(config)? {
            match data.try_lock()? {
                Some(lock) => Some(lock),
                None => return Ok(Self::Drive(visit(data).await?)),
            }
        } else {
            None
        };
        Ok(Self::Own { foundation: Foundation::open(config, data, Who::Visitor).await?, _lock: lock })
    }

    pub(crate) async fn carry_out(
        self,
        order: Order,
        report: &(dyn Fn(Progress) + Send + Sync),
        stop: &CancellationToken,
    ) -> anyhow::Result<Outcome> {
        match self {
            Self::Own { foundation, _lock } => {
                let done = order.carry_out(&foundation.runner, report, stop).await;
                foundation.close().await;
                done
            }
            Self::Drive(drive) => ask(drive, &order, report, stop).await,
        }
    }
}

async fn visit(data: &DataDirectory) -> anyhow::Result<UnixStream> {
    let directory = File::open(data.path())?;
    let connected = UnixStream::connect(socket_in(&directory)).await;
    connected.with_context(|| {
        format!("another process uses {} and takes no orders: wait for its end, or stop it first", data.path().display())
    })
}

async fn ask(
    drive: UnixStream,
    order: &Order,
    report: &(dyn Fn(Progress) + Send + Sync),
    stop: &CancellationToken,
) -> anyhow::Result<Outcome> {
    let (reader, mut writer) = drive.into_split();
    let mut line = serde_json::to_vec(order)?;
    line.push(b'\n');
    writer.write_all(&line).await.context("the drive has gone away")?;
    let mut writer = Some(writer);
    let mut reader = BufReader::new(reader);
    loop {
        let mut line = String::new();
        let mut bounded = (&mut reader).take(LINE_BYTES_MAX);
        let read = tokio::select! {
            read = bounded.read_line(&mut line) => read,
            // To end the conversation is to take the order back; the drive still says what has become of it.
            () = stop.cancelled(), if writer.is_some() => {
                writer = None;
                continue;
            }
        };
        if read.context("the drive has gone away")? == 0 {
            bail!("the drive has gone away before the work was done: the read tables are as they were");
        }
        match serde_json::from_str(&line).context("the drive speaks another language: use the same version of cairn")? {
            Told::Progress { done, head } => report(Progress { done: Position(done), head: Position(head) }),
            Told::Done(outcome) => return Ok(outcome),
            Told::Failed(reason) => bail!(reason),
        }
    }
}
