//! The drive's side of the socket.

use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;

use anyhow::Context;
use cairn_domain::Position;
use cairn_projections::Runner;
use cairn_projections::runner::Progress;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio_util::sync::CancellationToken;

use super::orders::{Order, Outcome};
use super::{LINE_BYTES_MAX, Told, socket_in};
use crate::data::DataDirectory;

/// Takes orders until it is told to stop. Who may enter the data directory may give them.
pub(crate) fn open_door(
    data: &DataDirectory,
    runner: Runner,
    stop: CancellationToken,
) -> anyhow::Result<impl Future<Output = ()> + Send + use<>> {
    let directory = File::open(data.path())?;
    let path = socket_in(&directory);
    // The lock of the directory is held, so nobody listens there any more.
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error).context("an old socket can't be removed"),
        _ => {}
    }
    let listener = UnixListener::bind(&path).context("the socket for operators can't be made")?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
    Ok(async move {
        let listen = async {
            loop {
                match listener.accept().await {
                    Ok((visitor, _)) => {
                        tokio::spawn(receive(visitor, runner.clone(), stop.child_token()));
                    }
                    Err(error) => {
                        tracing::warn!(%error, "an operator could not come in");
                        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
                    }
                }
            }
        };
        stop.run_until_cancelled(listen).await;
        // Whoever comes later finds out at once that nobody is there.
        let _ = std::fs::remove_file(&path);
        drop(directory);
    })
}

async fn receive(visitor: UnixStream, runner: Runner, stop: CancellationToken) {
    let (reader, mut writer) = visitor.into_split();
    let (order, rest) = match read_order(reader).await {
        Ok(read) => read,
        Err(error) => return tell(&mut writer, &Told::Failed(format!("{error:#}"))).await,
    };
    tracing::info!(?order, "an operator at this machine has given an order");
    let told = obey(order, &runner, &mut writer, rest, &stop).await;
    tell(&mut writer, &told).await;
}

async fn read_order(reader: OwnedReadHalf) -> anyhow::Result<(Order, OwnedReadHalf)> {
    let mut reader = BufReader::new(reader);
    let mut line = String::new();
    (&mut reader).take(LINE_BYTES_MAX).read_line(&mut line).await?;
    let order = serde_json::from_str(&line).context("that is no order that this drive knows: use the same version of cairn")?;
    Ok((order, reader.into_inner()))
}

/// A visitor who leaves takes the order back.
async fn obey(
    order: Order,
    runner: &Runner,
    writer: &mut OwnedWriteHalf,
    mut rest: OwnedReadHalf,
    stop: &CancellationToken,
) -> Told {
    let progress = tokio::sync::watch::Sender::new(Progress { done: Position::START, head: Position::START });
    let mut steps = progress.subscribe();
    let report = |step| _ = progress.send_replace(step);
    let work = order.carry_out(runner, &report, stop);
    // Beside the work: a visitor who does not listen must not hold it up.
    let tell_steps = async {
        while steps.changed().await.is_ok() {
            let Progress { done, head } = *steps.borrow_and_update();
            tell(writer, &Told::Progress { done: done.0, head: head.0 }).await;
        }
    };
    let stop_when_gone = async {
        let _ = rest.read_u8().await;
        stop.cancel();
    };
    let beside = async { tokio::join!(tell_steps, stop_when_gone, std::future::pending::<()>()) };
    tokio::select! {
        done = work => Told::of(done),
        _ = beside => Told::Failed("the conversation has ended".to_owned()),
    }
}

impl Told {
    fn of(done: anyhow::Result<Outcome>) -> Self {
        match done {
            Ok(outcome) => Self::Done(outcome),
            Err(error) => Self::Failed(format!("{error:#}")),
        }
    }
}

/// Whoever has gone away needs no answer.
async fn tell(writer: &mut OwnedWriteHalf, told: &Told) {
    if let Ok(mut line) = serde_json::to_vec(told) {
        line.push(b'\n');
        let _ = writer.write_all(&line).await;
    }
}
