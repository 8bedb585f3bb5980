use cairn_domain::{Position, StoredEvent};

use super::line::{self, EventLine, Manifest, ManifestLine};
use super::{Reader, SoFar};

/// Makes the lines.
#[derive(Debug)]
pub struct Writer(SoFar);

/// The event is not as the drive writes events: the log was changed by something else.
#[derive(Debug, thiserror::Error)]
#[error("the data of the event at position {position} is not JSON in one line, as the drive writes it: see it with `events audit`")]
pub struct Unwritable {
    /// Where it stands.
    pub position: Position,
}

impl Writer {
    /// Puts the first line behind what is there.
    pub fn begin(text: &mut Vec<u8>) -> Self {
        text.extend_from_slice(line::head().as_bytes());
        text.push(b'\n');
        Self(SoFar::begin())
    }

    /// Goes on behind the last event that was read.
    pub fn resume(reader: Reader) -> Self {
        Self(reader.into_so_far())
    }

    /// Puts the line of the next event behind what is there.
    pub fn event(&mut self, event: &StoredEvent, text: &mut Vec<u8>) -> Result<(), Unwritable> {
        let unwritable = Unwritable { position: event.position };
        let Ok(line) = EventLine::of(event) else { return Err(unwritable) };
        if !line.keeps(&event.data) {
            return Err(unwritable);
        }
        let begin = text.len();
        if serde_json::to_writer(&mut *text, &line).is_err() {
            text.truncate(begin);
            return Err(unwritable);
        }
        let chain = line::close(text, begin, self.0.chain);
        self.0.add(event, chain);
        Ok(())
    }

    /// Puts the last line behind what is there.
    pub fn end(self, text: &mut Vec<u8>) -> Manifest {
        let manifest = self.0.manifest();
        // A manifest has numbers and digests, which have a JSON form.
        if let Ok(line) = serde_json::to_string(&ManifestLine { manifest }) {
            text.extend_from_slice(line.as_bytes());
            text.push(b'\n');
        }
        manifest
    }

    /// The last event; none before the first.
    pub fn last(&self) -> Option<Position> {
        self.0.last.map(|(position, _)| position)
    }
}
