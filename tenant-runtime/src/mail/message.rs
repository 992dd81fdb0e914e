//! A mail as servers take it: text and HTML side by side, both quoted-printable.

use lettre::Message;
use lettre::message::header::{ContentTransferEncoding, ContentType};
use lettre::message::{Body, Mailbox, MultiPart, SinglePart};

use super::{Mail, MailError};
use crate::records::pattern::random_id;

const ID_LENGTH: usize = 15;

/// Writes a mail.
pub(super) fn write(mail: &Mail) -> Result<Message, MailError> {
    let address = |text: &str| text.parse().map_err(|_| MailError::Address(text.to_owned()));
    let name = Some(one_line(&mail.from_name)).filter(|name| !name.is_empty());
    let domain = mail.from_address.rsplit('@').next().unwrap_or_default();
    Message::builder()
        .from(Mailbox::new(name, address(&mail.from_address)?))
        .to(Mailbox::new(None, address(&mail.to)?))
        .subject(one_line(&mail.subject))
        .message_id(Some(format!("<{}@{domain}>", random_id(ID_LENGTH))))
        .multipart(
            MultiPart::mixed().multipart(
                MultiPart::alternative()
                    .singlepart(part(ContentType::TEXT_PLAIN, &mail.text))
                    .singlepart(part(ContentType::TEXT_HTML, &mail.html)),
            ),
        )
        .map_err(|error| MailError::Failed(error.to_string()))
}

fn part(kind: ContentType, text: &str) -> SinglePart {
    let encoding = ContentTransferEncoding::QuotedPrintable;
    let body = Body::new_with_encoding(text.to_owned(), encoding).unwrap_or_else(Body::new);
    SinglePart::builder().header(kind).body(body)
}

/// A header holds one line, whatever a record's field brought along.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail() -> Mail {
        Mail {
            from_name: "Tree, house".into(),
            from_address: "support@example.com".into(),
            to: "ann@example.com".into(),
            subject: "Grüße\r\nBcc: eve@example.com".into(),
            html: "<p>Hé</p>".into(),
            text: "Hé".into(),
        }
    }

    #[test]
    fn a_mail_has_both_forms_and_no_header_of_somebody_elses_making() {
        let written = String::from_utf8(write(&mail()).expect("writes").formatted()).expect("ASCII");
        assert!(written.contains("Content-Type: multipart/mixed"), "{written}");
        assert!(written.find("text/plain") < written.find("text/html"), "{written}");
        assert_eq!(written.matches("Content-Transfer-Encoding: quoted-printable").count(), 2, "{written}");
        assert!(written.contains("To: ann@example.com\r\n") && written.contains("@example.com>\r\n"), "{written}");
        assert!(!written.contains("\nBcc"), "{written}");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for broken in ["ann", "ann@example.com\r\nRCPT TO:<eve@example.com>", ""] {
            assert!(matches!(write(&Mail { to: broken.into(), ..mail() }), Err(MailError::Address(_))), "{broken}");
        }
    }
}
