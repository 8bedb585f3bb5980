//! The files in which a log is carried: plain lines, or the same lines compressed.
//!
//! A compressed file is a row of zstd frames (RFC 8878, section 3), each of whole lines and complete in itself, so that one that was cut off
//! can be gone on with behind its last whole frame.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, ensure};
use cairn_commands::archive::{Line, Reader, Writer};
use zstd::bulk::Compressor;
use zstd::stream::read::Decoder;

use crate::cli::progress::bytes_bar;
use crate::data::take;

/// What a zstd frame begins with (RFC 8878, section 3.1.1).
const ZSTD_MAGIC: [u8; 4] = 0xFD2F_B528_u32.to_le_bytes();

/// 1 is about as fast as the lines are made, and makes them a fifth; more takes more time than it saves.
const ZSTD_LEVEL: i32 = 1;

/// An append has at most 1 MiB; JSON in JSON takes no more than six times as much.
const LINE_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// Standard input or output.
const DASH: &str = "-";

pub(in crate::cli) fn is_pipe(path: &Path) -> bool {
    path.as_os_str() == DASH
}

/// Whether the name says that it is compressed.
pub(super) fn says_zstd(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "zst")
}

/// Where lines go.
pub(super) struct Sink {
    to: To,
    compressor: Option<Compressor<'static>>,
}

enum To {
    Stdout(io::Stdout),
    File(File),
}

impl Sink {
    /// Standard output.
    pub(super) fn stdout(zstd: bool) -> io::Result<Self> {
        Ok(Self { to: To::Stdout(io::stdout()), compressor: compressor(zstd)? })
    }

    /// A file that is not there yet, readable to its owner only: the log has names of people and files.
    pub(super) fn create(path: &Path, zstd: bool) -> io::Result<Self> {
        let file = alone(OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?)?;
        Ok(Self { to: To::File(file), compressor: compressor(zstd)? })
    }

    /// A file of which only the first bytes are kept.
    pub(super) fn behind(mut file: File, offset: u64, zstd: bool) -> io::Result<Self> {
        file.set_len(offset)?;
        file.seek(SeekFrom::End(0))?;
        Ok(Self { to: To::File(file), compressor: compressor(zstd)? })
    }

    /// Whole lines. What is written at once is a frame.
    pub(super) fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        let compressed;
        let bytes = match &mut self.compressor {
            None => lines,
            Some(compressor) => {
                compressed = compressor.compress(lines)?;
                &compressed
            }
        };
        match &mut self.to {
            To::Stdout(stdout) => stdout.write_all(bytes),
            To::File(file) => file.write_all(bytes),
        }
    }

    /// Everything has been written. A file is on the disk then.
    pub(super) fn finish(self) -> io::Result<()> {
        match self.to {
            To::Stdout(mut stdout) => stdout.flush(),
            To::File(file) => file.sync_all(),
        }
    }
}

/// A file that is there, to go on with it. Until it is closed, nobody else can.
pub(super) fn hold(path: &Path) -> io::Result<File> {
    alone(OpenOptions::new().write(true).open(path)?)
}

fn alone(file: File) -> io::Result<File> {
    if take(&file)? { Ok(file) } else { Err(io::Error::new(io::ErrorKind::WouldBlock, "another export is writing it")) }
}

fn compressor(zstd: bool) -> io::Result<Option<Compressor<'static>>> {
    if !zstd {
        return Ok(None);
    }
    let mut compressor = Compressor::new(ZSTD_LEVEL)?;
    compressor.include_checksum(true)?;
    Ok(Some(compressor))
}

/// A stream of lines, compressed or not: its first bytes tell. How much of it was read is shown.
pub(super) fn open(path: &Path) -> anyhow::Result<Box<dyn BufRead + Send>> {
    let mut input: Box<dyn BufRead + Send> = if is_pipe(path) {
        Box::new(BufReader::with_capacity(1 << 16, bytes_bar(None).wrap_read(io::stdin())))
    } else {
        let opened = File::open(path).and_then(|file| Ok((file.metadata()?.len(), file)));
        let (length, file) = opened.with_context(|| format!("{} can't be opened", path.display()))?;
        Box::new(BufReader::with_capacity(1 << 16, bytes_bar(Some(length)).wrap_read(file)))
    };
    if is_zstd(&mut input).with_context(|| format!("{} can't be read", path.display()))? {
        return Ok(Box::new(BufReader::with_capacity(1 << 16, Decoder::with_buffer(input)?)));
    }
    Ok(input)
}

fn is_zstd(input: &mut impl BufRead) -> io::Result<bool> {
    Ok(input.fill_buf()?.starts_with(&ZSTD_MAGIC))
}

/// The next line, without its end, in the place of what is in the buffer. False at the end of the text.
pub(super) fn next_line(input: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    input.take(LINE_BYTES_MAX).read_until(b'\n', line)?;
    if line.is_empty() {
        return Ok(false);
    }
    if line.last() == Some(&b'\n') {
        line.pop();
    } else if line.len() as u64 == LINE_BYTES_MAX {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a line is longer than any line of an export"));
    }
    Ok(true)
}

/// As much of a file as was written whole, before its manifest.
pub(super) struct Begun {
    pub(super) reader: Reader,
    /// How long that is, in bytes.
    pub(super) offset: u64,
    pub(super) zstd: bool,
}

/// Reads a file to go on with it. What was cut off is left out; whatever was altered, or is something else, is refused.
pub(super) fn take_up(path: &Path) -> anyhow::Result<Begun> {
    let file = File::open(path).with_context(|| format!("{} can't be opened", path.display()))?;
    let mut input = BufReader::with_capacity(1 << 16, file);
    // A file may have been cut off within its first bytes, too.
    let begins = input.fill_buf()?;
    let zstd = !begins.is_empty() && (begins.starts_with(&ZSTD_MAGIC) || ZSTD_MAGIC.starts_with(begins));
    let mut begun = Begun { reader: Reader::new(), offset: 0, zstd };
    let taken = if zstd { begun.frames(input) } else { begun.lines(input) };
    let taken = taken.and_then(|()| if begun.offset == 0 { check_first_bytes(path, zstd) } else { Ok(()) });
    taken.with_context(|| format!("{} can't be gone on with: remove it and begin anew", path.display()))?;
    Ok(begun)
}

/// Whether a file of which nothing is whole is the beginning of an export, and not somebody's other file.
fn check_first_bytes(path: &Path, zstd: bool) -> anyhow::Result<()> {
    let mut first = Vec::new();
    Writer::begin(&mut first);
    if let Some(mut compressor) = compressor(zstd)? {
        first = compressor.compress(&first)?;
    }
    let mut there = Vec::new();
    File::open(path)?.take(first.len() as u64 + 1).read_to_end(&mut there)?;
    ensure!(first.starts_with(&there), "this is not an export of events");
    Ok(())
}

impl Begun {
    fn lines(&mut self, mut input: impl BufRead) -> anyhow::Result<()> {
        let mut line = Vec::new();
        loop {
            line.clear();
            input.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line)?;
            let Some(text) = line.strip_suffix(b"\n") else { return Ok(()) };
            if !matches!(self.reader.line(text)?, Line::Manifest(_)) {
                self.offset += line.len() as u64;
            }
        }
    }

    fn frames(&mut self, mut input: BufReader<File>) -> anyhow::Result<()> {
        let mut frame = Vec::new();
        while is_zstd(&mut input)? {
            frame.clear();
            let mut decoder = Decoder::with_buffer(input)?.single_frame();
            match decoder.read_to_end(&mut frame) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
                Err(error) => return Err(error.into()),
            }
            input = decoder.finish();
            let mut ended = false;
            for line in frame.split_inclusive(|byte| *byte == b'\n') {
                ended |= matches!(self.reader.line(line.strip_suffix(b"\n").unwrap_or(line))?, Line::Manifest(_));
            }
            if !ended {
                self.offset = input.stream_position()?;
            }
        }
        let behind = input.fill_buf()?;
        ensure!(ZSTD_MAGIC.starts_with(behind), "behind its last frame stands something else");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_one_by_one_and_none_is_endless() {
        let mut line = Vec::new();
        let mut input = &b"one\n\ntwo"[..];
        let mut lines = Vec::new();
        while next_line(&mut input, &mut line).expect("readable") {
            lines.push(String::from_utf8(line.clone()).expect("text"));
        }
        assert_eq!(lines, ["one", "", "two"]);
        let mut endless = BufReader::new(io::repeat(b'x'));
        assert!(next_line(&mut endless, &mut line).is_err());
    }
}
