use std::sync::Arc;

use super::*;

/// Nothing is sent to any of these, whether somebody names them or a source leads there.
const REFUSED: &[&str] = &[
    // Other schemes.
    "file:///etc/passwd",
    "file://localhost/etc/passwd",
    "FILE:///etc/passwd",
    "ftp://example.org/a",
    "ftps://example.org/a",
    "sftp://example.org/a",
    "gopher://127.0.0.1:70/_GET",
    "dict://127.0.0.1:11211/stats",
    "ldap://127.0.0.1/",
    "tftp://127.0.0.1/a",
    "jar:http://example.org/a!/b",
    "netdoc:///etc/passwd",
    "data:text/plain,hello",
    "javascript:alert(1)",
    "mailto:a@example.org",
    "blob:http://example.org/a",
    "ws://example.org/",
    "wss://example.org/",
    "unix:///run/docker.sock",
    "view-source:http://example.org/",
    "about:blank",
    "httpx://example.org/",
    "s3://bucket/key",
    // No URL at all.
    "",
    " ",
    "a",
    "/etc/passwd",
    "//example.org/a",
    "example.org",
    "127.0.0.1",
    "http:",
    "http://",
    "http:///",
    "http://:80/",
    "http://?",
    "http://#",
    "https://",
    "http://[",
    "http://[::1",
    "http://[::1%25eth0]/",
    "http://[fe80::1%25lo]/",
    "http://[::g]/",
    "http://example.org:99999/",
    "http://example.org:port/",
    "http://256.256.256.256/",
    "http://1.2.3.4.5/",
    "http://0x100000000/",
    "http://exa mple.org/",
    "http://example.org/a b",
    " http://example.org/",
    "http://example.org/ ",
    "http://example.org/\n",
    "http://exam\tple.org/",
    "http://example.org\r\nHost: 127.0.0.1/",
    "http://example.org/\0",
    "http://%00/",
    "http://exa%2fmple.org/",
    "http://a^b/",
    "http://a|b/",
    // Names and passwords, and what hides the host behind them.
    "http://user@example.org/",
    "http://user:password@example.org/",
    "http://:password@example.org/",
    "http://example.org@127.0.0.1/",
    "http://example.org:80@127.0.0.1/",
    "http://example.org%40127.0.0.1@127.0.0.1/",
    "http://127.0.0.1@example.org/",
    "http://a@b@example.org/",
    "http://example.org\\@127.0.0.1/",
    "http://example.org\\.127.0.0.1/",
    "http:\\\\127.0.0.1\\",
    "http:/\\127.0.0.1/",
    // Loopback, in every way in which browsers read it.
    "http://127.0.0.1/",
    "https://127.0.0.1/",
    "HTTP://127.0.0.1/",
    "http://127.0.0.1:22/",
    "http://127.0.0.1:6379/",
    "http://127.0.0.1./",
    "http://127.0.0.2/",
    "http://127.255.255.254/",
    "http://127.1/",
    "http://127.0.1/",
    "http://127.1:80/",
    "http://2130706433/",
    "http://2130706433:80/",
    "http://0x7f000001/",
    "http://0x7F000001/",
    "http://0x7f.0x0.0x0.0x1/",
    "http://0x7f.0.0.1/",
    "http://0x7f.1/",
    "http://0x7f.0x1/",
    "http://0177.0.0.1/",
    "http://0177.0.0.01/",
    "http://0177.0x0.0.1/",
    "http://00000177.0.0.1/",
    "http://017700000001/",
    "http://0x00000000007f.1/",
    "http://127.0x1/",
    "http://127.0.0x1/",
    "http://127.00.00.01/",
    "http://127.000.000.001/",
    "http://127。0。0。1/",
    "http://127．0．0．1/",
    "http://127｡0｡0｡1/",
    "http://①②⑦.⓪.⓪.①/",
    "http://１２７.０.０.１/",
    "http://%31%32%37.0.0.1/",
    "http://%31%32%37%2e0%2e0%2e1/",
    "http:127.0.0.1/",
    "http:/127.0.0.1/",
    "http:////127.0.0.1/",
    "http://127.0.0.1?a=http://example.org/",
    "http://127.0.0.1#example.org",
    // This host, as nobody.
    "http://0/",
    "http://0.0.0.0/",
    "http://0.0.0.0:80/",
    "http://0x0/",
    "http://00/",
    "http://0.1/",
    "http://0.1.2.3/",
    // Private networks.
    "http://10.0.0.1/",
    "http://10.1/",
    "http://0xa.1/",
    "http://012.0.0.1/",
    "http://167772161/",
    "http://10.255.255.255/",
    "http://172.16.0.1/",
    "http://172.16.1/",
    "http://0xac100001/",
    "http://172.31.255.255/",
    "http://2886729729/",
    "http://192.168.0.1/",
    "http://192.168.1/",
    "http://192.168.1.1:8080/admin",
    "http://0xc0a80001/",
    "http://0300.0250.0.1/",
    "http://3232235521/",
    "http://100.64.0.1/",
    "http://100.127.255.254/",
    // Metadata, and other link-local addresses.
    "http://169.254.169.254/",
    "http://169.254.169.254/latest/meta-data/",
    "http://169.254.169.254:80/computeMetadata/v1/",
    "http://169.254.170.2/v2/credentials",
    "http://169.254.1/",
    "http://0xa9fea9fe/",
    "http://0xa9.0xfe.0xa9.0xfe/",
    "http://0251.0376.0251.0376/",
    "http://0251.254.169.254/",
    "http://169.254.43518/",
    "http://169.16689662/",
    "http://2852039166/",
    "http://①⑥⑨.②⑤④.①⑥⑨.②⑤④/",
    "http://100.100.100.200/latest/meta-data/",
    "http://168.63.129.16/machine",
    "http://192.0.0.192/latest/",
    "http://[fd00:ec2::254]/latest/meta-data/",
    "http://[fd20:ce::254]/computeMetadata/v1/",
    // Ranges that are no hosts of the internet.
    "http://192.0.0.1/",
    "http://192.0.2.1/",
    "http://192.88.99.1/",
    "http://198.18.0.1/",
    "http://198.51.100.1/",
    "http://203.0.113.1/",
    "http://224.0.0.1/",
    "http://239.255.255.250:1900/",
    "http://240.0.0.1/",
    "http://255.255.255.255/",
    "http://4294967295/",
    "http://0xffffffff/",
    "http://037777777777/",
    // IPv6.
    "http://[::]/",
    "http://[::]:80/",
    "http://[0:0:0:0:0:0:0:0]/",
    "http://[::1]/",
    "http://[::1]:6379/",
    "http://[0:0:0:0:0:0:0:1]/",
    "http://[0000:0000:0000:0000:0000:0000:0000:0001]/",
    "http://[::0001]/",
    "http://[::127.0.0.1]/",
    "http://[::7f00:1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[0:0:0:0:0:ffff:7f00:0001]/",
    "http://[0:0:0:0:0:ffff:127.0.0.1]/",
    "http://[::FFFF:10.0.0.1]/",
    "http://[::ffff:169.254.169.254]/",
    "http://[::ffff:a9fe:a9fe]/",
    "http://[::ffff:192.168.0.1]/",
    "http://[::ffff:8.8.8.8]/",
    "http://[::ffff:0:127.0.0.1]/",
    "http://[64:ff9b::127.0.0.1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[64:ff9b::a9fe:a9fe]/",
    "http://[64:ff9b:1::1]/",
    "http://[100::1]/",
    "http://[2001::1]/",
    "http://[2001:0:53aa:64c:0:0:80ff:fffe]/",
    "http://[2001:2::1]/",
    "http://[2001:10::1]/",
    "http://[2001:db8::1]/",
    "http://[2002:7f00:1::]/",
    "http://[2002:a00:1::1]/",
    "http://[2002:a9fe:a9fe::]/",
    "http://[2002:c0a8:1::]/",
    "http://[3fff::1]/",
    "http://[5f00::1]/",
    "http://[fc00::1]/",
    "http://[fd00::1]/",
    "http://[fdff:ffff:ffff:ffff::1]/",
    "http://[fe80::1]/",
    "http://[fe80::5efe:127.0.0.1]/",
    "http://[febf::1]/",
    "http://[fec0::1]/",
    "http://[ff02::1]/",
    "http://[ff05::1]/",
    // Names that lead to such addresses, or nowhere.
    "http://localhost/",
    "http://LOCALHOST/",
    "http://localhost./",
    "http://localhost:8080/admin",
    "http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/",
    "http://l%6fcalhost/",
    "http://sub.localhost/",
    "http://metadata.google.internal/computeMetadata/v1/",
    "http://metadata/",
    "http://instance-data/latest/meta-data/",
    "http://127.0.0.1.nip.io/",
    "http://app-127-0-0-1.nip.io/",
    "http://localtest.me/",
    "http://private.example.org/",
    "http://six.example.org/",
    "http://mapped.example.org/",
    "http://both.example.org/",
    "http://mostly.example.org/",
    "http://empty.example.org/",
    "http://unknown.example.org/",
];

fn names() -> Arc<Names> {
    Names::of(&[
        ("example.org", &[&["93.184.216.34", "2606:2800:220:1::1"]]),
        ("localhost", &[&["127.0.0.1", "::1"]]),
        ("sub.localhost", &[&["127.0.0.1"]]),
        ("metadata.google.internal", &[&["169.254.169.254"]]),
        ("metadata", &[&["169.254.169.254"]]),
        ("instance-data", &[&["169.254.169.254"]]),
        ("127.0.0.1.nip.io", &[&["127.0.0.1"]]),
        ("app-127-0-0-1.nip.io", &[&["127.0.0.1"]]),
        ("localtest.me", &[&["127.0.0.1", "::1"]]),
        ("private.example.org", &[&["192.168.7.7"]]),
        ("six.example.org", &[&["fd00::7"]]),
        ("mapped.example.org", &[&["::ffff:10.0.0.7"]]),
        ("both.example.org", &[&["93.184.216.34", "10.0.0.7"]]),
        ("mostly.example.org", &[&["2606:2800:220:1::1", "93.184.216.34", "fe80::1"]]),
        ("empty.example.org", &[&[]]),
        ("rebinding.example.org", &[&["93.184.216.34"], &["127.0.0.1"]]),
    ])
}

#[tokio::test]
async fn what_leads_to_no_host_of_the_internet_is_refused() {
    assert!(REFUSED.len() >= 200, "{}", REFUSED.len());
    let fetch = fetch(&[], names());
    let mut asked = Vec::new();
    for url in REFUSED {
        if !is_refused(&fetch.check(url).await) {
            asked.push(url);
        }
    }
    assert!(asked.is_empty(), "these would be asked: {asked:?}");
}

#[tokio::test]
async fn hosts_of_the_internet_are_asked_by_one_form_of_their_url() {
    let fetch = fetch(&[], names());
    for (url, form) in [
        ("http://example.org", "http://example.org/"),
        ("HTTPS://EXAMPLE.ORG:443/a?b=c@d#e", "https://example.org/a?b=c@d"),
        ("http://example.org:8080/a/../b/%2e%2e/c", "http://example.org:8080/c"),
        ("http://example.org./a", "http://example.org./a"),
        ("http://8.8.8.8/", "http://8.8.8.8/"),
        ("http://134744072/", "http://8.8.8.8/"),
        ("http://0x08.010.2056/", "http://8.8.8.8/"),
        ("http://[2606:4700:4700:0::1111]/", "http://[2606:4700:4700::1111]/"),
        ("http://example.org/报告", "http://example.org/%E6%8A%A5%E5%91%8A"),
        ("http://example.org/?url=http://127.0.0.1/", "http://example.org/?url=http://127.0.0.1/"),
    ] {
        assert_eq!(fetch.check(url).await.expect("asked").as_str(), form);
    }
    let long = format!("http://example.org/{}", "a".repeat(3_000));
    assert!(is_refused(&fetch.check(&long).await));
}

#[tokio::test]
async fn an_operator_may_list_networks_and_nothing_else_is_asked_then() {
    let fetch = fetch(&["127.0.0.0/8", "fd00::/8"], names());
    for url in ["http://127.0.0.1/", "http://0x7f.1:8080/", "http://[fd00::1]/", "http://six.example.org/", "http://sub.localhost/"]
    {
        assert!(fetch.check(url).await.is_ok(), "{url}");
    }
    for url in ["http://10.0.0.1/", "http://[::ffff:127.0.0.1]/", "http://[::1]/", "http://localhost/", "http://both.example.org/"]
    {
        assert!(is_refused(&fetch.check(url).await), "{url}");
    }
}

#[tokio::test]
async fn an_operator_may_refuse_networks_of_the_internet_and_of_those_that_are_listed() {
    let fetch = fetch_but(&["127.0.0.0/8"], &["8.8.8.0/24", "127.0.0.1", "2001:4860::/32"], names());
    for url in ["http://127.0.0.2/", "http://8.8.4.4/", "http://[2606:4700::1]/"] {
        assert!(fetch.check(url).await.is_ok(), "{url}");
    }
    for url in ["http://127.0.0.1/", "http://8.8.8.8/", "http://134744072/", "http://[2001:4860:4860::8888]/"] {
        assert!(is_refused(&fetch.check(url).await), "{url}");
    }
}

/// Looks up too many others.
struct Busy;

#[async_trait]
impl Lookup for Busy {
    async fn addresses(&self, _name: &str) -> io::Result<Vec<IpAddr>> {
        Err(io::ErrorKind::ResourceBusy.into())
    }
}

#[tokio::test]
async fn a_name_that_can_not_be_looked_up_just_now_is_not_refused() {
    let settings = FetchSettings {
        allow: Vec::new(),
        refuse: Vec::new(),
        redirects_max: 3,
        connect_max: Duration::from_secs(1),
        idle_max: Duration::from_secs(1),
    };
    let busy = HttpFetch::new(settings, Arc::new(Busy)).expect("a client");
    let checked = busy.check("http://example.org/").await;
    assert!(matches!(checked, Err(FetchError::Unavailable(_))), "{checked:?}");
}

/// The server that leads there is at an address of a network that is listed, and nothing else in the table is.
#[tokio::test]
async fn whatever_a_source_leads_to_is_judged_like_the_first_url() {
    // What is no URL by itself is one of the same server.
    let leads_elsewhere = |url: &&str| url.contains("://") || url.contains(':') && !url.starts_with("http:");
    // What has no address may have one in a moment: that is no refusal, but it is not asked either.
    let has_address = |url: &&str| !url.contains("unknown.example.org");
    let is_field = |url: &&str| url.bytes().all(|byte| byte.is_ascii_graphic());
    let targets: Vec<&str> = REFUSED.iter().copied().filter(leads_elsewhere).filter(has_address).filter(is_field).collect();
    assert!(targets.len() > 170, "{}", targets.len());
    let leads_to = targets.clone();
    let server = Server::answering(move |head| {
        let number: usize = head["GET /".len()..].split(' ').next().and_then(|path| path.parse().ok()).expect("a number");
        let location = leads_to[number];
        format!("HTTP/1.1 302 Found\r\nlocation: {location}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
    });
    let server = server.await;
    let port = server.address.port();
    let source = Names::of(&[("source.example.org", &[&["127.77.77.77"]])]);
    source.0.lock().expect("names").extend(names().0.lock().expect("names").clone());
    let fetch = fetch(&["127.77.77.77"], source);
    let mut asked = Vec::new();
    for (number, target) in targets.iter().enumerate() {
        let url = format!("http://source.example.org:{port}/{number}").parse().expect("a URL");
        if !is_refused(&fetch.open(&url, None).await.map(|_| ())) {
            asked.push(target);
        }
        assert_eq!(server.asked(), number + 1, "{target}");
    }
    assert!(asked.is_empty(), "these would be asked: {asked:?}");
}

#[tokio::test]
async fn a_name_that_leads_elsewhere_after_the_look_is_not_asked_there() {
    let server = Server::answering(|_| "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".to_owned()).await;
    let fetch = fetch(&[], names());
    let url = fetch.check(&format!("http://rebinding.example.org:{}/", server.address.port())).await.expect("public at first");
    let opened = fetch.open(&url, None).await;
    assert!(is_refused(&opened.map(|_| ())));
    assert_eq!(server.asked(), 0);
}

#[tokio::test]
async fn an_address_is_judged_whenever_it_is_asked_not_only_when_it_is_noted() {
    let server = Server::answering(|_| "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".to_owned()).await;
    let url = server.url("/").parse().expect("a URL");
    assert!(is_refused(&fetch(&[], names()).open(&url, None).await.map(|_| ())));
    assert_eq!(server.asked(), 0);
}
