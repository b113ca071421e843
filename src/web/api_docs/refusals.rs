//! The refusals that layers and extractors give before a service is asked: one rule for all operations, instead of a list at each.

use utoipa::Modify;
use utoipa::openapi::path::Operation;
use utoipa::openapi::{ContentBuilder, HeaderBuilder, OpenApi as Document, Ref, RefOr, Response, ResponseBuilder};

/// Adds to each operation what it does not say itself.
pub struct Refusals;

struct Refusal {
    status: &'static str,
    name: &'static str,
    words: &'static str,
    header: Option<(&'static str, &'static str)>,
    is_possible: fn(&Asked) -> bool,
}

/// What an operation reads of a request.
struct Asked {
    is_change: bool,
    has_parameters: bool,
    has_body: bool,
    has_security: bool,
}

const RETRY_AFTER: Option<(&str, &str)> = Some(("Retry-After", "Seconds after which it is worth another try"));

const REFUSALS: [Refusal; 8] = [
    Refusal {
        status: "400",
        name: "Unreadable",
        words: "Something in the request can not be read, or is not valid",
        header: None,
        is_possible: |asked| asked.has_parameters || asked.has_body,
    },
    Refusal {
        status: "401",
        name: "Unauthorized",
        words: "No credentials, or they are not good (any more)",
        header: Some(("WWW-Authenticate", "`Bearer`")),
        is_possible: |asked| asked.has_security,
    },
    Refusal {
        status: "403",
        name: "Forbidden",
        words: "Not allowed to this person or key, not before another password is chosen, or sent from another site",
        header: None,
        is_possible: |asked| asked.has_security || asked.is_change,
    },
    Refusal {
        status: "408",
        name: "TooSlow",
        words: "The request, its body included, took too long",
        header: None,
        is_possible: |_| true,
    },
    Refusal {
        status: "413",
        name: "TooLarge",
        words: "The body is over the limit",
        header: None,
        is_possible: |asked| asked.has_body,
    },
    Refusal {
        status: "415",
        name: "UnsupportedMediaType",
        words: "The body is of a type that is not read here",
        header: None,
        is_possible: |asked| asked.has_body,
    },
    Refusal {
        status: "422",
        name: "WrongShape",
        words: "The JSON does not have the shape that is described",
        header: None,
        is_possible: |asked| asked.has_body,
    },
    Refusal {
        status: "503",
        name: "Unavailable",
        words: "Too busy, or the database is away",
        header: RETRY_AFTER,
        is_possible: |_| true,
    },
];

impl Modify for Refusals {
    fn modify(&self, document: &mut Document) {
        let components = document.components.get_or_insert_default();
        for refusal in &REFUSALS {
            components.responses.insert(refusal.name.to_owned(), RefOr::T(refusal.response()));
        }
        for item in document.paths.paths.values_mut() {
            let reading = [&mut item.get, &mut item.head].into_iter().flatten().map(|operation| (operation, false));
            let changing = [&mut item.put, &mut item.post, &mut item.delete, &mut item.patch];
            let changing = changing.into_iter().flatten().map(|operation| (operation, true));
            for (operation, is_change) in reading.chain(changing) {
                tell(operation, is_change);
            }
        }
    }
}

fn tell(operation: &mut Operation, is_change: bool) {
    let asked = Asked {
        is_change,
        has_parameters: operation.parameters.as_ref().is_some_and(|all| !all.is_empty()),
        has_body: operation.request_body.is_some(),
        has_security: operation.security.as_ref().is_some_and(|all| !all.is_empty()),
    };
    for refusal in REFUSALS.iter().filter(|refusal| (refusal.is_possible)(&asked)) {
        let reference = || RefOr::Ref(Ref::from_response_name(refusal.name));
        operation.responses.responses.entry(refusal.status.to_owned()).or_insert_with(reference);
    }
}

impl Refusal {
    fn response(&self) -> Response {
        let body = ContentBuilder::new().schema(Some(Ref::from_schema_name("ErrorBody"))).build();
        let mut response = ResponseBuilder::new().description(self.words).content("application/json", body);
        if let Some((name, words)) = self.header {
            response = response.header(name, HeaderBuilder::new().description(Some(words)).build());
        }
        response.build()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    /// The statuses that the document has for an operation.
    fn statuses(method: &str, path: &str) -> Vec<String> {
        let document = serde_json::to_value(super::super::openapi()).unwrap();
        document["paths"][path][method]["responses"].as_object().unwrap().keys().cloned().collect()
    }

    #[test]
    fn an_operation_tells_of_what_stands_before_it() {
        let login = statuses("post", "/api/v1/auth/login");
        assert_eq!(login, ["200", "400", "401", "403", "408", "413", "415", "422", "429", "503"]);
        assert_eq!(statuses("get", "/health/live"), ["200", "408", "503"]);
        assert_eq!(statuses("get", "/api/v1/auth/me"), ["200", "401", "403", "408", "503"]);
    }

    #[test]
    fn every_refusal_has_the_envelope() {
        let document = serde_json::to_value(super::super::openapi()).unwrap();
        let schema = "/content/application~1json/schema/$ref";
        for response in document["components"]["responses"].as_object().unwrap().values() {
            assert_eq!(response.pointer(schema).and_then(Value::as_str), Some("#/components/schemas/ErrorBody"));
        }
    }
}
