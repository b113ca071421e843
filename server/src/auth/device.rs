//! What a `User-Agent` tells about a device, in words that its owner knows it by.
//!
//! For people to recognise their own devices, so a few well-known names are enough; nothing is decided by them.

/// Signs of a browser or program, the more special before those that it carries for compatibility.
const BROWSERS: [(&str, &str); 17] = [
    ("Edg/", "Edge"),
    ("EdgA/", "Edge"),
    ("EdgiOS/", "Edge"),
    ("OPR/", "Opera"),
    ("Vivaldi/", "Vivaldi"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
    ("Wget/", "Wget"),
    ("python-requests/", "Python"),
    ("Python-urllib/", "Python"),
    ("PostmanRuntime/", "Postman"),
    ("Go-http-client/", "Go"),
];

/// Signs of an operating system, the more special first: Android says Linux, too, and an iPhone Mac OS X.
const SYSTEMS: [(&str, &str); 9] = [
    ("Android", "Android"),
    ("iPhone", "iOS"),
    ("iPad", "iPadOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Macintosh", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
    ("FreeBSD", "FreeBSD"),
];

/// The browser's name; none when it is not a well-known one.
pub fn browser(user_agent: &str) -> Option<&'static str> {
    first_of(&BROWSERS, user_agent)
}

/// The operating system's name; none when it is not told.
pub fn system(user_agent: &str) -> Option<&'static str> {
    first_of(&SYSTEMS, user_agent)
}

fn first_of(signs: &[(&str, &'static str)], user_agent: &str) -> Option<&'static str> {
    signs.iter().find(|(sign, _)| user_agent.contains(sign)).map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn well_known_browsers_and_systems_are_named() {
        let cases = [
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36 Edg/130.0.0.0",
                "Edge",
                "Windows",
            ),
            (
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36",
                "Chrome",
                "Linux",
            ),
            (
                "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Mobile Safari/537.36",
                "Chrome",
                "Android",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:132.0) Gecko/20100101 Firefox/132.0",
                "Firefox",
                "macOS",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1",
                "Safari",
                "iOS",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/130.0 Mobile/15E148 Safari/604.1",
                "Chrome",
                "iOS",
            ),
        ];
        for (agent, browser_name, system_name) in cases {
            assert_eq!((browser(agent), system(agent)), (Some(browser_name), Some(system_name)), "{agent}");
        }
        assert_eq!((browser("curl/8.5.0"), system("curl/8.5.0")), (Some("curl"), None));
        assert_eq!((browser("<script>"), system("")), (None, None));
    }
}
