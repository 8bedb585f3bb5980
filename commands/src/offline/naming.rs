use cairn_domain::FileName;
use cairn_domain::names::FILE_NAME_BYTES_MAX;
use cairn_domain::offline::SourceUrl;
use percent_encoding::percent_decode_str;

/// What a fetched file is called when its owner did not say: what `Content-Disposition` says (RFC 6266), or what the path ends with, or the host.
pub(crate) fn name_of(disposition: Option<&str>, url: &SourceUrl) -> FileName {
    let told = disposition.and_then(|field| extended(field).or_else(|| plain(field)));
    let candidates = [told, decoded(url.last_segment())];
    let authority = url.authority();
    let host = authority.rsplit_once(':').filter(|_| !authority.ends_with(']')).map_or(authority, |(host, _)| host);
    let named = candidates.into_iter().flatten().find_map(|name| made_valid(&name));
    named.or_else(|| made_valid(host)).unwrap_or_else(unnamed)
}

#[expect(clippy::expect_used, reason = "it is a name")]
fn unnamed() -> FileName {
    "download".parse().expect("a name")
}

/// The parameters of the field: name and value, without quotes.
fn parameters(field: &str) -> Vec<(String, String)> {
    let (mut parameters, mut text, mut quoted, mut escaped) = (Vec::new(), String::new(), false, false);
    for c in field.chars().chain([';']) {
        match c {
            _ if escaped => {
                text.push(c);
                escaped = false;
            }
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ';' if !quoted => {
                if let Some((name, value)) = text.split_once('=') {
                    parameters.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
                }
                text.clear();
            }
            _ => text.push(c),
        }
    }
    parameters
}

/// `filename*`, in UTF-8 (RFC 8187).
fn extended(field: &str) -> Option<String> {
    let (_, value) = parameters(field).into_iter().find(|(name, _)| name == "filename*")?;
    let (charset, rest) = value.split_once('\'')?;
    let (_language, text) = rest.split_once('\'')?;
    if charset.eq_ignore_ascii_case("utf-8") { decoded(text) } else { None }
}

fn plain(field: &str) -> Option<String> {
    parameters(field).into_iter().find(|(name, _)| name == "filename").map(|(_, value)| value)
}

fn decoded(text: &str) -> Option<String> {
    percent_decode_str(text).decode_utf8().ok().map(String::from)
}

/// The nearest name that a file may have; none when nothing of it is left.
fn made_valid(name: &str) -> Option<FileName> {
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let mut kept: String = name.chars().filter(|c| !c.is_control() && is_fine(*c)).collect();
    while kept.len() > FILE_NAME_BYTES_MAX {
        kept.pop();
    }
    kept.trim().parse().ok()
}

/// Whether a name may hold the character: the rule is that of [`FileName`].
fn is_fine(c: char) -> bool {
    c == ' ' || c == '.' || format!("a{c}").parse::<FileName>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(disposition: Option<&str>, url: &str) -> String {
        name_of(disposition, &url.parse().expect("a URL")).to_string()
    }

    #[test]
    fn what_the_source_says_comes_first_then_the_path_then_the_host() {
        let url = "http://example.org:8080/a/b%20c.iso?d=e";
        assert_eq!(named(Some("attachment; filename=\"x; y.pdf\""), url), "x; y.pdf");
        assert_eq!(named(Some("attachment; filename=plain.pdf"), url), "plain.pdf");
        let both = "attachment; filename=\"fallback.pdf\"; filename*=UTF-8''%E6%8A%A5%E5%91%8A.pdf";
        assert_eq!(named(Some(both), url), "报告.pdf");
        assert_eq!(named(Some("attachment; filename*=latin1''%E9; filename=\"e.pdf\""), url), "e.pdf");
        assert_eq!(named(Some("attachment"), url), "b c.iso");
        assert_eq!(named(None, url), "b c.iso");
        assert_eq!(named(None, "http://example.org:8080/"), "example.org");
        assert_eq!(named(None, "http://example.org"), "example.org");
    }

    #[test]
    fn whatever_it_says_the_name_is_one() {
        let url = "http://example.org/%2e%2e";
        assert_eq!(named(None, url), "example.org");
        assert_eq!(named(Some("attachment; filename=\"../../etc/passwd\""), url), "passwd");
        assert_eq!(named(Some("attachment; filename=\"..\\\\..\\\\boot.ini\""), url), "boot.ini");
        assert_eq!(named(Some("attachment; filename=\"a\\\"b.txt\""), url), "a\"b.txt");
        assert_eq!(named(Some("attachment; filename*=UTF-8''a%00b%0A%E2%80%AEgpj.exe"), url), "abgpj.exe");
        assert_eq!(named(Some("attachment; filename=\"\""), url), "example.org");
        assert_eq!(named(None, "http://[2001:db8::1]/%FF"), "[2001:db8::1]");
        let long = format!("attachment; filename=\"{}\"", "é".repeat(400));
        assert_eq!(named(Some(&long), url).len(), 254);
    }
}
