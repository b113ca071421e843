//! What the letters say. Each is one function, those of features in their folders; the frame around them is here only.

use std::borrow::Cow;

/// A letter that is ready to be sent, to one address, as text and as HTML.
#[derive(Clone)]
pub struct Message {
    pub to: String,
    pub subject: Cow<'static, str>,
    pub text: String,
    pub html: String,
}

/// What differs from letter to letter.
pub struct Content<'a> {
    pub subject: &'static str,
    pub to: &'a str,
    pub username: &'a str,
    /// Paragraphs before the link.
    pub before: Vec<String>,
    /// The words on the link, and where it leads.
    pub link: Option<(&'static str, &'a str)>,
    /// Paragraphs after the link.
    pub after: Vec<String>,
}

/// Asks the owner of the address to say that it is theirs.
pub(super) fn verify_email(to: &str, username: &str, link: &str, hours: u32) -> Message {
    framed(&Content {
        subject: "Please confirm your email address",
        to,
        username,
        before: vec!["This address was given for your account. Please confirm that it is yours:".into()],
        link: Some(("Confirm this address", link)),
        after: vec![
            format!("The link works once, within {}.", span(hours, "hour")),
            "If you have no account with us, somebody mistyped an address. You need not do anything.".into(),
        ],
    })
}

/// The way to a new password.
pub(super) fn reset_password(to: &str, username: &str, link: &str, minutes: u32) -> Message {
    framed(&Content {
        subject: "Choose a new password",
        to,
        username,
        before: vec!["Somebody, hopefully you, asked for a new password for your account.".into()],
        link: Some(("Choose a new password", link)),
        after: vec![
            format!("The link works once, within {}.", span(minutes, "minute")),
            "If it was not you, you need not do anything: your password stays as it is.".into(),
        ],
    })
}

/// Tells that the password is another one now.
pub(super) fn password_changed(to: &str, username: &str, forgot: &str) -> Message {
    framed(&Content {
        subject: "Your password was changed",
        to,
        username,
        before: vec!["The password of your account was changed, and every session was ended.".into()],
        link: None,
        after: vec![format!("If it was not you, choose a new password at once: {forgot}")],
    })
}

/// Tells the address that the account had before that it has another one now.
pub(super) fn email_changed(to: &str, username: &str) -> Message {
    framed(&Content {
        subject: "The email address of your account was changed",
        to,
        username,
        before: vec!["Your account has another email address now. Letters for it do not come here any more.".into()],
        link: None,
        after: vec!["If it was not you, please tell those who run this service.".into()],
    })
}

/// Tells that somebody can log in by a new passkey.
pub(super) fn passkey_added(to: &str, username: &str, name: &str, page: &str) -> Message {
    framed(&Content {
        subject: "A passkey was added to your account",
        to,
        username,
        before: vec![format!("Your account can be opened by a new passkey now: {name}")],
        link: None,
        after: vec![format!("If it was not you, remove it and change your password at once: {page}")],
    })
}

/// Tells that a login asks for a code from now on.
pub(super) fn two_factor_on(to: &str, username: &str, forgot: &str) -> Message {
    framed(&Content {
        subject: "Two-factor was switched on",
        to,
        username,
        before: vec![
            "A login to your account asks for a code besides the password from now on.".into(),
            "Keep the recovery codes in a safe place: they are the way in when the app is lost.".into(),
        ],
        link: None,
        after: vec![format!("If it was not you, tell those who run this service and choose a new password: {forgot}")],
    })
}

/// Tells that a login does not ask for a code any more.
pub(super) fn two_factor_off(to: &str, username: &str, by_administrator: bool, forgot: &str) -> Message {
    let who = if by_administrator { "An administrator has" } else { "Somebody who knows your password has" };
    framed(&Content {
        subject: "Two-factor was switched off",
        to,
        username,
        before: vec![
            format!("{who} switched two-factor off. A login to your account asks for the password only."),
            "You can switch it on again in your account.".into(),
        ],
        link: None,
        after: vec![format!("If you did not want this, choose a new password at once: {forgot}")],
    })
}

/// Tells that a recovery code was used.
pub(super) fn recovery_code_used(to: &str, username: &str, left: i64, forgot: &str) -> Message {
    let count = match left {
        0 => "No code is left. Please make new ones in your account.".to_owned(),
        1 => "1 code is left. You can make new ones in your account.".to_owned(),
        many => format!("{many} codes are left. You can make new ones in your account."),
    };
    framed(&Content {
        subject: "A recovery code was used",
        to,
        username,
        before: vec!["A recovery code was used in the place of a code of your app.".into(), count],
        link: None,
        after: vec![format!("If it was not you, choose a new password at once: {forgot}")],
    })
}

fn span(count: u32, unit: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{plural}")
}

/// The whole letter.
pub fn framed(content: &Content<'_>) -> Message {
    Message { to: content.to.into(), subject: content.subject.into(), text: text(content), html: html(content) }
}

/// The text part (RFC 2046, 5.1.4: the plainer alternative comes first).
fn text(content: &Content<'_>) -> String {
    let mut parts = vec![format!("Hello {},", content.username)];
    parts.extend(content.before.iter().cloned());
    parts.extend(content.link.map(|(words, link)| format!("{words}:\n{link}")));
    parts.extend(content.after.iter().cloned());
    parts.join("\n\n") + "\n"
}

/// The same words as HTML that needs no picture, no script and nothing from elsewhere.
fn html(content: &Content<'_>) -> String {
    let paragraph = |words: &String| format!("<p>{}</p>", escaped(words));
    let before: String = content.before.iter().map(paragraph).collect();
    let after: String = content.after.iter().map(paragraph).collect();
    let link = content.link.map_or_else(String::new, |(words, link)| {
        let (words, link) = (escaped(words), escaped(link));
        format!("<p><a href=\"{link}\"><strong>{words}</strong></a></p><p>Or copy this address:<br>{link}</p>")
    });
    format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{subject}</title></head>\
         <body style=\"font-family: sans-serif; line-height: 1.5\"><h1 style=\"font-size: 1.25em\">{subject}</h1>\
         <p>Hello {username},</p>{before}{link}{after}</body></html>",
        subject = escaped(content.subject),
        username = escaped(content.username),
    )
}

/// Text for the inside of an element or of a quoted attribute.
pub fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_links_are_text_in_html_and_as_they_are_in_the_text_part() {
        let name = "<b>\"Ada\" & 'co'</b>";
        let letter = verify_email("ada@example.com", name, "https://example.com/?a=1&token=x", 24);
        assert!(
            letter.html.contains("Hello &lt;b&gt;&quot;Ada&quot; &amp; &#39;co&#39;&lt;/b&gt;,"),
            "{}",
            letter.html
        );
        assert!(letter.html.contains("href=\"https://example.com/?a=1&amp;token=x\""), "{}", letter.html);
        assert!(letter.text.contains(name) && letter.text.contains("?a=1&token=x\n"), "{}", letter.text);
    }

    #[test]
    fn every_letter_says_the_same_in_both_parts() {
        let letters = [
            verify_email("a@example.com", "Ada", "https://example.com/v", 1),
            reset_password("a@example.com", "Ada", "https://example.com/r", 60),
            password_changed("a@example.com", "Ada", "https://example.com/forgot-password"),
            email_changed("a@example.com", "Ada"),
            passkey_added("a@example.com", "Ada", "phone", "http://x/account/passkeys"),
            two_factor_on("a@example.com", "Ada", "https://example.com/forgot-password"),
            two_factor_off("a@example.com", "Ada", true, "https://example.com/forgot-password"),
            recovery_code_used("a@example.com", "Ada", 1, "https://example.com/forgot-password"),
        ];
        for letter in letters {
            assert!(letter.html.contains(&*letter.subject), "{}", letter.html);
            for line in letter.text.lines().filter(|line| !line.is_empty()) {
                assert!(letter.html.contains(line.trim_end_matches(':')), "{line}: {}", letter.html);
            }
        }
        assert_eq!((span(1, "hour"), span(2, "hour")), ("1 hour".into(), "2 hours".into()));
    }
}
