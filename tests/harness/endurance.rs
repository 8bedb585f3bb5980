//! Somebody works while something that the drive needs goes away, and comes back.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::answer::Answer;
use super::drive::Drive;
use super::user::{File, User};
use super::wait::until_async;

/// What a request that needs it may take to be refused: 3 s, as promised, and half a second for a machine that is busy with other tests.
pub(crate) const REFUSED_WITHIN: Duration = Duration::from_millis(3_500);

/// The same where it comes and goes: an upload waits more than once, and when the first wait has ended well, late, the next may end badly.
const REFUSED_AT_LAST_WITHIN: Duration = Duration::from_secs(6);

/// How soon everything must work again.
pub(crate) const BACK_WITHIN: Duration = Duration::from_secs(30);

/// Uploads that are tried until one meets a fault that comes and goes.
const TRIES_MAX: usize = 200;

/// A drive, the ground that it stands on and that a test takes away, and somebody who uploads all the time.
pub(crate) struct Endurance<G> {
    pub(crate) ground: G,
    pub(crate) drive: Drive,
    pub(crate) user: User,
    acknowledged: Vec<File>,
    sent: u64,
}

impl<G> Endurance<G> {
    pub(crate) async fn new(ground: G, settings: &[(&str, &str)]) -> Self {
        let drive = Drive::with(settings);
        let user = drive.user().await;
        Self { ground, drive, user, acknowledged: Vec::new(), sent: 0 }
    }

    /// Whatever comes back, and when.
    pub(crate) async fn upload(&mut self) -> (Answer, Duration) {
        self.sent += 1;
        let name = format!("{}.txt", self.sent);
        let started = Instant::now();
        let answer = self.user.raw_upload(&name, name.clone()).try_send().await.unwrap();
        if answer.status == 201 {
            self.acknowledged.push(answer.read_as());
        }
        (answer, started.elapsed())
    }

    /// Works for a moment before, during and after the fault.
    pub(crate) async fn endure(&mut self, what: &str, begin: impl FnOnce(&mut G), end: impl FnOnce(&mut G)) {
        self.suffer(what, begin).await;
        self.recover(what, end).await;
    }

    /// The fault begins: uploads are refused in time, and the process lives.
    pub(crate) async fn suffer(&mut self, what: &str, begin: impl FnOnce(&mut G)) {
        for _ in 0..3 {
            assert_eq!(self.upload().await.0.status, 201, "before: {what}");
        }
        begin(&mut self.ground);
        let mut refused = 0;
        for _ in 0..3 {
            refused += usize::from(self.is_refused(what, REFUSED_WITHIN).await);
        }
        assert!(refused > 0, "{what} was not noticed");
    }

    /// The same for one that comes and goes by itself, and may be met or not: some uploads are refused, in time, and the process lives.
    pub(crate) async fn suffer_on_and_off(&mut self, what: &str, begin: impl FnOnce(&mut G)) {
        assert_eq!(self.upload().await.0.status, 201, "before: {what}");
        begin(&mut self.ground);
        let (mut tried, mut refused) = (0, 0);
        while tried < 10 || refused < 3 {
            tried += 1;
            refused += usize::from(self.is_refused(what, REFUSED_AT_LAST_WITHIN).await);
            assert!(tried < TRIES_MAX, "{what} was not noticed");
        }
    }

    /// Uploads, and says whether that was refused: in time and as it should be.
    async fn is_refused(&mut self, what: &str, within: Duration) -> bool {
        let (answer, took) = self.upload().await;
        self.drive.client().get("/livez").send().await.expect(200);
        if answer.status == 201 {
            return false;
        }
        assert!(answer.header("retry-after").is_some(), "{what}: {answer:?}");
        answer.problem(503, "unavailable");
        assert!(took < within, "{what}: refused after {took:?}");
        true
    }

    /// The fault ends, and all goes on by itself.
    pub(crate) async fn recover(&mut self, what: &str, end: impl FnOnce(&mut G)) {
        end(&mut self.ground);
        let ended = Instant::now();
        until_async("uploads work again", async || (self.upload().await.0.status == 201).then_some(())).await;
        assert!(ended.elapsed() < BACK_WITHIN, "{what}: back after {:?}", ended.elapsed());
    }

    /// What was acknowledged last.
    pub(crate) fn last(&self) -> &File {
        self.acknowledged.last().expect("an upload that went well")
    }

    /// Everything acknowledged is there, and the rows are what the log means: made anew from it, they are the same.
    pub(crate) async fn check(&mut self) {
        let listed = self.user.list("limit=1000").await;
        for file in &self.acknowledged {
            assert!(listed.contains(file), "{file:?} was acknowledged and is gone");
            assert_eq!(self.user.download(&file.id).await, file.name.as_bytes());
        }
        // What a fault has cut off in the middle is finished by the next start, and may add files that were never acknowledged.
        self.restart();
        let (events, finished) = (self.drive.events(), self.user.list("limit=1000").await);
        assert!(listed.iter().all(|file| finished.contains(file)), "a restart has lost a file");
        self.drive.stop();
        self.drive.cairn(&["projection", "rebuild", "--all"]).success();
        let stands: Vec<Value> = self.drive.cairn(&["projection", "list", "--json"]).json_lines();
        assert!(stands.iter().all(|one| one["lag"] == 0 && one["parked"] == 0), "{stands:?}");
        self.drive.start_again();
        self.user = self.user.back_on(&self.drive);
        assert_eq!(self.user.list("limit=1000").await, finished);
        assert_eq!(self.drive.events(), events);
    }

    fn restart(&mut self) {
        self.drive.stop();
        self.drive.start_again();
        self.user = self.user.back_on(&self.drive);
    }

    /// Whoever asks whether the drive is ready is told what is away, and that it is back.
    pub(crate) async fn readiness(&mut self, away: &[&str], begin: impl FnOnce(&mut G), end: impl FnOnce(&mut G)) {
        begin(&mut self.ground);
        let told = self.until_readiness_is(503).await.problem(503, "not_ready");
        let said = told["detail"].to_string();
        assert!(away.iter().all(|name| said.contains(name)), "{said}");
        end(&mut self.ground);
        let ready = self.until_readiness_is(200).await;
        assert_eq!(ready.json()["status"], "ready", "{ready:?}");
    }

    async fn until_readiness_is(&self, status: u16) -> Answer {
        until_async("the drive says how it stands", async || {
            let answer = self.drive.client().get("/readyz").try_send().await.unwrap();
            (answer.status == status).then_some(answer)
        })
        .await
    }
}
