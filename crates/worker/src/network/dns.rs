//! DNS messages, as far as a responder for one question needs them (RFC 1035).

use std::net::Ipv4Addr;

/// Longest message read, over datagrams and streams alike. Questions are far shorter.
pub(super) const QUESTION_BYTES_MAX: usize = 512;

pub(super) const A: u16 = 1;
pub(super) const AAAA: u16 = 28;
pub(super) const SVCB: u16 = 64;
pub(super) const HTTPS: u16 = 65;
const CLASS_INTERNET: u16 = 1;

const HEADER_BYTES: usize = 12;
const NAME_BYTES_MAX: usize = 253;
const IS_RESPONSE: u16 = 0x8000;
const OPCODE: u16 = 0x7800;
const RECURSION_DESIRED: u16 = 0x0100;
const RECURSION_AVAILABLE: u16 = 0x0080;

/// How long an answer may be kept. An address stands for its name as long as the sandbox lives.
const TTL_SECONDS: u32 = 60;

/// A question that can be answered.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Question<'a> {
    id: u16,
    flags: u16,
    /// As it was sent, to be sent back.
    section: &'a [u8],
    /// In lower case, without the last dot.
    pub(super) name: String,
    pub(super) kind: u16,
}

/// The answer to a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    Address(Ipv4Addr),
    /// The name exists; nothing of this kind is known about it.
    Nothing,
    Failed,
    NoSuchName,
    /// Questions of this kind are not answered.
    NotImplemented,
}

impl<'a> Question<'a> {
    /// None for what is no question, or cannot be understood: it is not answered.
    pub(super) fn read(message: &'a [u8]) -> Option<Self> {
        let number = |at: usize| Some(u16::from_be_bytes([*message.get(at)?, *message.get(at + 1)?]));
        let (id, flags, questions) = (number(0)?, number(2)?, number(4)?);
        if flags & (IS_RESPONSE | OPCODE) != 0 || questions != 1 {
            return None;
        }
        let mut name = String::new();
        let mut at = HEADER_BYTES;
        loop {
            let length = usize::from(*message.get(at)?);
            at += 1;
            if length == 0 {
                break;
            }
            // 64 and above would be a pointer, for which a question has nothing to point to.
            let label = message.get(at..at + length).filter(|_| length < 64)?;
            at += length;
            if !label.iter().all(|byte| byte.is_ascii_graphic() && *byte != b'.') {
                return None;
            }
            if !name.is_empty() {
                name.push('.');
            }
            name.extend(label.iter().map(|byte| char::from(byte.to_ascii_lowercase())));
        }
        let (kind, class) = (number(at)?, number(at + 2)?);
        let section = message.get(HEADER_BYTES..at + 4)?;
        (class == CLASS_INTERNET && name.len() <= NAME_BYTES_MAX).then_some(Self {
            id,
            flags,
            section,
            name,
            kind,
        })
    }

    pub(super) fn answer(&self, answer: Answer) -> Vec<u8> {
        let code: u16 = match answer {
            Answer::Address(_) | Answer::Nothing => 0,
            Answer::Failed => 2,
            Answer::NoSuchName => 3,
            Answer::NotImplemented => 4,
        };
        let flags = IS_RESPONSE | (self.flags & RECURSION_DESIRED) | RECURSION_AVAILABLE | code;
        let answers = u16::from(matches!(answer, Answer::Address(_)));
        let mut message = Vec::with_capacity(HEADER_BYTES + self.section.len() + 16);
        for number in [self.id, flags, 1, answers, 0, 0] {
            message.extend_from_slice(&number.to_be_bytes());
        }
        message.extend_from_slice(self.section);
        if let Answer::Address(address) = answer {
            // The name is the one of the question.
            message.extend_from_slice(&[0xC0, HEADER_BYTES as u8]);
            message.extend_from_slice(&A.to_be_bytes());
            message.extend_from_slice(&CLASS_INTERNET.to_be_bytes());
            message.extend_from_slice(&TTL_SECONDS.to_be_bytes());
            message.extend_from_slice(&4_u16.to_be_bytes());
            message.extend_from_slice(&address.octets());
        }
        message
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn question(name: &str, kind: u16) -> Vec<u8> {
        let mut message = vec![0xAB, 0xCD, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        for label in name.split('.') {
            message.push(label.len() as u8);
            message.extend_from_slice(label.as_bytes());
        }
        message.push(0);
        message.extend_from_slice(&kind.to_be_bytes());
        message.extend_from_slice(&[0, 1]);
        message
    }

    #[test]
    fn a_question_is_read_and_answered() {
        let asked = question("DynamoDB.us-east-1.amazonaws.com", A);
        let read = Question::read(&asked).unwrap();
        assert_eq!((read.name.as_str(), read.kind), ("dynamodb.us-east-1.amazonaws.com", A));
        let answer = read.answer(Answer::Address(Ipv4Addr::LOCALHOST));
        assert_eq!(answer[..12], [0xAB, 0xCD, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]);
        assert_eq!(answer[12..asked.len()], asked[12..]);
        assert_eq!(answer[asked.len()..], [0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1]);
        assert_eq!(read.answer(Answer::NoSuchName)[2..8], [0x81, 0x83, 0, 1, 0, 0]);
    }

    #[test]
    fn what_follows_the_question_is_not_read() {
        // An OPT record, as most clients send it.
        let mut asked = question("a.b", AAAA);
        asked[11] = 1;
        asked.extend_from_slice(&[0, 0, 41, 4, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(Question::read(&asked).unwrap().kind, AAAA);
    }

    #[test]
    fn what_is_no_question_is_not_answered() {
        let asked = question("a.b", A);
        for length in 0..asked.len() {
            assert_eq!(Question::read(&asked[..length]), None, "cut at {length}");
        }
        let changed = |at: usize, byte: u8| {
            let mut asked = asked.clone();
            asked[at] = byte;
            asked
        };
        for (at, byte) in [(2, 0x81), (2, 0x10), (5, 2), (5, 0), (12, 0xC0), (13, b'.'), (13, 0), (20, 3)] {
            assert_eq!(Question::read(&changed(at, byte)), None, "{byte:#x} at {at}");
        }
        assert_eq!(Question::read(&question(&["a"; 130].join("."), A)), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_harm(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            if let Some(question) = Question::read(&bytes) {
                question.answer(Answer::Nothing);
            }
        }
    }
}
