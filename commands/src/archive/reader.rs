use cairn_domain::{EventId, Position, StoredEvent};

use super::SoFar;
use super::line::{self, EventLine, FORMAT, Head, KIND, Manifest, ManifestLine};

/// Checks the lines, one after the other.
#[derive(Debug)]
pub struct Reader {
    so_far: Option<SoFar>,
    manifest: Option<Manifest>,
    lines: u64,
}

/// What a good line holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// The first one.
    Head,
    /// An event.
    Event(StoredEvent),
    /// The last one.
    Manifest(Manifest),
}

/// A line that is not what it was when the text was written.
#[derive(Debug, thiserror::Error)]
#[error("line {line}: {fault}")]
pub struct BadLine {
    /// Its number, from 1.
    pub line: u64,
    /// What is the matter with it.
    pub fault: Fault,
}

/// What may be the matter with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It is some other text.
    #[error("this is not an export of events")]
    OtherText,
    /// A newer program wrote it.
    #[error("the export has format {0}, newer than the {FORMAT} of this program")]
    NewerFormat(u32),
    /// It is not as it was, or a line before it was left out, added or moved.
    #[error("it was altered, or a line before it is missing or was put there: its chain does not follow from the line before")]
    Altered,
    /// The chain is right, but what stands there is no event: whoever wrote it was no drive.
    #[error("it holds no event")]
    NoEvent,
    /// The positions do not grow.
    #[error("its position {0} is not behind that of the line before")]
    OutOfOrder(Position),
    /// The last line says something else than what came before it.
    #[error("the manifest does not fit the lines before it")]
    OtherManifest,
    /// There is something after the last line.
    #[error("it stands behind the manifest, where nothing should be")]
    BehindTheEnd,
    /// There is nothing where a line should be.
    #[error("the export ends here, before its manifest: it was cut off")]
    CutOff,
}

impl Reader {
    /// Has read nothing yet.
    pub fn new() -> Self {
        Self { so_far: None, manifest: None, lines: 0 }
    }

    /// Takes the next line, without its line break.
    pub fn line(&mut self, text: &[u8]) -> Result<Line, BadLine> {
        self.lines += 1;
        self.read(text).map_err(|fault| BadLine { line: self.lines, fault })
    }

    /// To be called after the last line.
    pub fn end(&self) -> Result<Manifest, BadLine> {
        self.manifest.ok_or(BadLine { line: self.lines + 1, fault: Fault::CutOff })
    }

    /// How many lines have come.
    pub fn lines(&self) -> u64 {
        self.lines
    }

    /// What the last line would say if the text ended behind the line that was read last.
    pub fn so_far(&self) -> Manifest {
        self.so_far.as_ref().map_or_else(|| SoFar::begin().manifest(), SoFar::manifest)
    }

    /// How many events have come.
    pub fn events(&self) -> u64 {
        self.so_far.as_ref().map_or(0, |so_far| so_far.events)
    }

    /// The last event that has come: where it stood, and its id.
    pub fn last(&self) -> Option<(Position, EventId)> {
        self.so_far.as_ref().and_then(|so_far| so_far.last)
    }

    pub(super) fn into_so_far(self) -> SoFar {
        self.so_far.unwrap_or_else(SoFar::begin)
    }

    fn read(&mut self, text: &[u8]) -> Result<Line, Fault> {
        let Some(so_far) = &mut self.so_far else {
            check_head(text)?;
            self.so_far = Some(SoFar::begin());
            return Ok(Line::Head);
        };
        if self.manifest.is_some() {
            return Err(Fault::BehindTheEnd);
        }
        if let Some((body, chain)) = line::open(text) {
            return event(so_far, body, chain).map(Line::Event);
        }
        let manifest = serde_json::from_slice::<ManifestLine>(text).map_err(|_| Fault::Altered)?.manifest;
        if manifest != so_far.manifest() || serde_json::to_vec(&ManifestLine { manifest }).is_ok_and(|line| line != text) {
            return Err(Fault::OtherManifest);
        }
        self.manifest = Some(manifest);
        Ok(Line::Manifest(manifest))
    }
}

impl Default for Reader {
    fn default() -> Self {
        Self::new()
    }
}

fn check_head(text: &[u8]) -> Result<(), Fault> {
    let head: Head<'_> = serde_json::from_slice(text).map_err(|_| Fault::OtherText)?;
    if head.cairn != KIND {
        return Err(Fault::OtherText);
    }
    if head.format > FORMAT {
        return Err(Fault::NewerFormat(head.format));
    }
    if text == line::head().as_bytes() { Ok(()) } else { Err(Fault::Altered) }
}

fn event(so_far: &mut SoFar, body: &[u8], chain: cairn_domain::Sha256) -> Result<StoredEvent, Fault> {
    if line::chain(so_far.chain, body) != chain {
        return Err(Fault::Altered);
    }
    let text = [body, b"}"].concat();
    let line: EventLine<'_> = serde_json::from_slice(&text).map_err(|_| Fault::NoEvent)?;
    let event = line.into_event().ok_or(Fault::NoEvent)?;
    if so_far.last.is_some_and(|(last, _)| event.position <= last) {
        return Err(Fault::OutOfOrder(event.position));
    }
    so_far.add(&event, chain);
    Ok(event)
}
