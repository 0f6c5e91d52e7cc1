//! `multipart/form-data` as a stream: fields first, within a limit, then the file, which is never held whole.
//!
//! Sources: RFC 7578, RFC 2046 section 5.1. Everything after the file is read over, as S3 does.

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use service::{ByteStream, Failure};

/// The fields and all that is around them. Source: "POST Object", 20 KB.
pub(crate) const FIELDS_BYTES_MAX: usize = 20_480;
/// What may follow the file and is read over.
const REST_BYTES_MAX: usize = 1024 * 1024;
const BOUNDARY_CHARS_MAX: usize = 70;

/// A form up to its file.
pub(crate) struct Form {
    /// Names as they were sent, in their order.
    pub(crate) fields: Vec<(String, String)>,
    /// The file's name as the client sent it; `None` when it sent none.
    pub(crate) file_name: Option<String>,
    pub(crate) file_type: Option<String>,
    pub(crate) file: ByteStream,
}

/// The boundary of a `multipart/form-data` content type.
pub(crate) fn boundary_of(content_type: &str) -> Option<String> {
    let (kind, parameters) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let boundary = parameter(parameters, "boundary")?;
    (!boundary.is_empty() && boundary.len() <= BOUNDARY_CHARS_MAX).then_some(boundary)
}

struct Reader {
    source: ByteStream,
    buffer: BytesMut,
    /// What stands between parts, line break included.
    delimiter: Vec<u8>,
    read_bytes: usize,
}

/// The head of a part.
struct Part {
    name: String,
    file_name: Option<String>,
    content_type: Option<String>,
}

impl Form {
    pub(crate) async fn read(source: ByteStream, boundary: &str) -> Result<Form, Failure> {
        // The first delimiter has no line break before it; so that it looks like the others, one is put there.
        let buffer = BytesMut::from(&b"\r\n"[..]);
        let delimiter = format!("\r\n--{boundary}").into_bytes();
        let mut reader = Reader { source, buffer, delimiter, read_bytes: 0 };
        let mut fields = Vec::new();
        reader.take_until_delimiter().await?;
        loop {
            let part = reader.part().await?.ok_or_else(no_file)?;
            if part.name.eq_ignore_ascii_case("file") {
                let (file_name, file_type) = (part.file_name, part.content_type);
                return Ok(Form { fields, file_name, file_type, file: reader.into_file() });
            }
            let value = reader.take_until_delimiter().await?;
            fields.push((part.name, String::from_utf8_lossy(&value).into_owned()));
        }
    }
}

impl Reader {
    /// `false` at the end.
    async fn fill(&mut self) -> Result<bool, Failure> {
        match self.source.next().await.transpose()? {
            Some(bytes) => {
                self.read_bytes += bytes.len();
                self.buffer.extend_from_slice(&bytes);
                Ok(true)
            }
            None => Ok(false),
        }
    }

    /// More of the form before its file.
    async fn fill_fields(&mut self) -> Result<(), Failure> {
        if self.buffer.len() > FIELDS_BYTES_MAX || self.read_bytes > 2 * FIELDS_BYTES_MAX + self.buffer.len()
        {
            return Err(too_long());
        }
        if self.fill().await? { Ok(()) } else { Err(malformed()) }
    }

    /// What stands before the next delimiter, which is taken too.
    async fn take_until_delimiter(&mut self) -> Result<Bytes, Failure> {
        loop {
            if let Some(at) = find(&self.buffer, &self.delimiter) {
                if at > FIELDS_BYTES_MAX {
                    return Err(too_long());
                }
                let taken = self.buffer.split_to(at).freeze();
                let _ = self.buffer.split_to(self.delimiter.len());
                return Ok(taken);
            }
            self.fill_fields().await?;
        }
    }

    /// What stands before a line break, which is taken too.
    async fn take_line(&mut self) -> Result<Bytes, Failure> {
        loop {
            if let Some(at) = find(&self.buffer, b"\r\n") {
                let line = self.buffer.split_to(at).freeze();
                let _ = self.buffer.split_to(2);
                return Ok(line);
            }
            self.fill_fields().await?;
        }
    }

    /// The head of the next part; `None` after the last.
    async fn part(&mut self) -> Result<Option<Part>, Failure> {
        while self.buffer.len() < 2 {
            self.fill_fields().await?;
        }
        if self.buffer.starts_with(b"--") {
            return Ok(None);
        }
        // Behind the delimiter may be white space.
        if !self.take_line().await?.iter().all(|byte| b" \t".contains(byte)) {
            return Err(malformed());
        }
        let (mut disposition, mut content_type) = (None, None);
        loop {
            let line = self.take_line().await?;
            if line.is_empty() {
                break;
            }
            let line = String::from_utf8_lossy(&line).into_owned();
            let (name, value) = line.split_once(':').ok_or_else(malformed)?;
            match name.trim() {
                name if name.eq_ignore_ascii_case("content-disposition") => {
                    disposition = Some(value.trim().to_owned());
                }
                name if name.eq_ignore_ascii_case("content-type") => {
                    content_type = Some(value.trim().to_owned());
                }
                _ => {}
            }
        }
        let disposition = disposition.ok_or_else(malformed)?;
        let (kind, parameters) = disposition.split_once(';').ok_or_else(malformed)?;
        if !kind.trim().eq_ignore_ascii_case("form-data") {
            return Err(malformed());
        }
        let name = parameter(parameters, "name").ok_or_else(malformed)?;
        Ok(Some(Part { name, file_name: parameter(parameters, "filename"), content_type }))
    }

    /// The bytes of the file, up to its delimiter.
    fn into_file(self) -> ByteStream {
        Box::pin(futures_util::stream::unfold(Some(self), |reader| async move {
            let mut reader = reader?;
            loop {
                if let Some(at) = find(&reader.buffer, &reader.delimiter) {
                    let last = reader.buffer.split_to(at).freeze();
                    reader.read_over().await;
                    return Some((Ok(last), None));
                }
                // What may be the beginning of a delimiter stays.
                let certain = reader.buffer.len().saturating_sub(reader.delimiter.len() - 1);
                if certain > 0 {
                    return Some((Ok(reader.buffer.split_to(certain).freeze()), Some(reader)));
                }
                match reader.fill().await {
                    Ok(true) => {}
                    Ok(false) => return Some((Err(malformed()), None)),
                    Err(failure) => return Some((Err(failure), None)),
                }
            }
        }))
    }

    /// A client that is still sending would not see the answer.
    async fn read_over(&mut self) {
        let mut bytes = 0;
        while bytes <= REST_BYTES_MAX
            && let Some(Ok(more)) = self.source.next().await
        {
            bytes += more.len();
        }
    }
}

/// A parameter of a header's value: `name="value"` or `name=value`.
fn parameter(parameters: &str, wanted: &str) -> Option<String> {
    let mut rest = parameters;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ';']);
        let (name, after) = rest.split_once('=')?;
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => unquoted(quoted)?,
            None => {
                let end = after.find(';').unwrap_or(after.len());
                (after[..end].trim().to_owned(), &after[end..])
            }
        };
        if name.trim().eq_ignore_ascii_case(wanted) {
            return Some(value);
        }
        rest = after;
    }
}

/// A quoted value without its quotes, and what follows it. Only quotes are escaped: Windows sends paths as they are.
fn unquoted(quoted: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = quoted.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, &quoted[at + 1..])),
            '\\' if characters.peek().is_some_and(|(_, next)| *next == '"') => {
                characters.next();
                value.push('"');
            }
            other => value.push(other),
        }
    }
    None
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    let first = *wanted.first()?;
    let mut from = 0;
    loop {
        let at = from + bytes.get(from..)?.iter().position(|byte| *byte == first)?;
        if bytes[at..].starts_with(wanted) {
            return Some(at);
        }
        from = at + 1;
    }
}

pub(crate) fn malformed() -> Failure {
    Failure::new(
        "MalformedPOSTRequest",
        400,
        "The body of your POST request is not well-formed multipart/form-data.",
    )
}

fn too_long() -> Failure {
    super::refused(
        "MaxPostPreDataLengthExceeded",
        "Your POST request fields preceeding the upload file was too large.",
        [("MaxPostPreDataLengthBytes", FIELDS_BYTES_MAX.to_string())],
    )
}

fn no_file() -> Failure {
    let members = [("ArgumentName", "file".to_owned()), ("ArgumentValue", "0".to_owned())];
    super::refused("InvalidArgument", "POST requires exactly one file upload per request.", members)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The form in pieces of the given length; the file as it came out.
    async fn read(body: &[u8], piece_bytes: usize) -> Result<(Form, Vec<u8>), Failure> {
        let pieces: Vec<_> =
            body.chunks(piece_bytes).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
        let mut form = Form::read(Box::pin(futures_util::stream::iter(pieces)), "xyz").await?;
        let mut file = Vec::new();
        while let Some(piece) = form.file.next().await {
            file.extend_from_slice(&piece?);
        }
        Ok((form, file))
    }

    const BODY: &[u8] = b"--xyz\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\nuser/${filename}\r\n--xyz  \r\n\
        content-disposition: form-data; name=Policy\r\n\r\ne30=\r\n--xyz\r\nContent-Disposition: form-data; \
        name=\"file\"; filename=\"a \\\"b\\\".txt\"\r\nContent-Type: text/plain\r\n\r\nline\r\n--xy\r\n-\r\n--xyz\r\n\
        Content-Disposition: form-data; name=\"submit\"\r\n\r\nUpload\r\n--xyz--\r\n";

    #[tokio::test]
    async fn forms_are_read_however_they_arrive() {
        for piece_bytes in [1, 2, 3, 7, 64, 10_000] {
            let (form, file) = read(BODY, piece_bytes).await.unwrap();
            let fields: Vec<(&str, &str)> =
                form.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            assert_eq!(fields, [("key", "user/${filename}"), ("Policy", "e30=")]);
            assert_eq!(form.file_name.as_deref(), Some("a \"b\".txt"));
            assert_eq!(form.file_type.as_deref(), Some("text/plain"));
            assert_eq!(file, b"line\r\n--xy\r\n-", "pieces of {piece_bytes}");
        }
    }

    #[tokio::test]
    async fn what_is_no_form_is_refused() {
        let code = async |body: &[u8]| match read(body, 16).await {
            Ok(_) => "fine".to_owned(),
            Err(failure) => failure.code().to_owned(),
        };
        assert_eq!(code(b"").await, "MalformedPOSTRequest");
        assert_eq!(code(b"--xyz--\r\n").await, "InvalidArgument");
        assert_eq!(code(b"--xyz\r\n\r\n\r\n--xyz--").await, "MalformedPOSTRequest");
        assert_eq!(code(&BODY[..BODY.len() - 90]).await, "MalformedPOSTRequest");
        let long = |bytes: usize| {
            let value = "a".repeat(bytes);
            format!("--xyz\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n{value}\r\n--xyz--\r\n")
                .into_bytes()
        };
        assert_eq!(code(&long(FIELDS_BYTES_MAX - 200)).await, "InvalidArgument");
        assert_eq!(code(&long(FIELDS_BYTES_MAX * 2)).await, "MaxPostPreDataLengthExceeded");
    }

    #[test]
    fn boundaries_are_found() {
        for (content_type, boundary) in [
            ("multipart/form-data; boundary=xyz", Some("xyz")),
            ("Multipart/Form-Data; charset=utf-8; boundary=\"x y\"", Some("x y")),
            ("multipart/form-data", None),
            ("multipart/mixed; boundary=xyz", None),
            ("text/html", None),
        ] {
            assert_eq!(boundary_of(content_type).as_deref(), boundary, "{content_type}");
        }
    }
}
