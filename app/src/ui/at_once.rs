use leptos::form::FromFormData;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos::server_fn::error::{FromServerFnError, ServerFnErrorErr};
use leptos::web_sys::SubmitEvent;
use leptos_router::hooks::{use_location, use_navigate};
use model::Problem;
use serde::de::DeserializeOwned;

use super::form::refusal_in;
use crate::error::ApiError;

type Answer<S> = Result<<S as ServerFn>::Output, ApiError>;

/// An action whose effect people see before the server has answered, and which is taken back when it refuses. That happens as well when its
/// page has been left meanwhile; then the frame says how it ended. Cheap to copy.
pub struct AtOnce<S: ServerFn + 'static> {
    pub action: Action<S, Answer<S>>,
    leads_to: Option<&'static str>,
}

impl<S: ServerFn + 'static> Clone for AtOnce<S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S: ServerFn + 'static> Copy for AtOnce<S> {}

/// The words for how an action ended.
#[derive(Clone, Copy, Debug)]
pub struct Ends {
    pub done: &'static str,
    /// The reason follows.
    pub refused: &'static str,
}

impl<S> AtOnce<S>
where
    S: ServerFn<Error = ApiError> + Clone + Send + Sync + 'static,
    S::Output: Clone + Send + Sync + 'static,
{
    /// `show` makes what a wish will do visible; what it returns is called with the end, and told whether that is a refusal. The browser is
    /// at the page `leads_to` at once.
    pub fn new<E>(ends: Ends, leads_to: Option<&'static str>, show: impl Fn(&S) -> E + Send + Sync + 'static) -> Self
    where
        E: FnOnce(bool) + Send + 'static,
    {
        let Late(late) = expect_context();
        // It lives as long as the page.
        let page = StoredValue::new(());
        // A plain form that was refused begins with that.
        let at_first = ServerAction::<S>::new().value().get_untracked();
        let action = Action::new_with_value(at_first, move |wish: &S| {
            let (end, wish) = (show(wish), wish.clone());
            async move {
                let answer = S::run_on_client(wish).await;
                end(answer.is_err());
                if leads_to.is_some() || page.try_get_value().is_none() {
                    let refusal = answer.as_ref().err().map(|error| error.0.clone());
                    late.set(Some(if refusal.is_some() { (ends.refused, refusal) } else { (ends.done, None) }));
                }
                answer
            }
        });
        Self { action, leads_to }
    }

    /// Why the last try was refused.
    pub fn refusal(self) -> Memo<Option<Problem>> {
        refusal_in(self.action)
    }

    pub fn pending(self) -> Memo<bool> {
        self.action.pending()
    }
}

/// The form of such an action, which works without JavaScript as well.
#[component]
pub fn AtOnceForm<S>(deed: AtOnce<S>, children: Children) -> impl IntoView
where
    S: ServerFn<Error = ApiError> + DeserializeOwned + Clone + Send + Sync + 'static,
    S::Output: Clone + Send + Sync + 'static,
{
    let navigate = use_navigate();
    let send = move |event: SubmitEvent| {
        event.prevent_default();
        match S::from_event(&event) {
            Ok(wish) => {
                deed.action.dispatch(wish);
                deed.leads_to.iter().for_each(|place| navigate(place, Default::default()));
            }
            Err(error) => {
                let error = ApiError::from_server_fn_error(ServerFnErrorErr::Args(error.to_string()));
                deed.action.value().set(Some(Err(error)));
            }
        }
    };
    view! { <form method="post" action=S::url() on:submit=send>{children()}</form> }
}

/// How something ended whose page has been left: the words, and the reason of a refusal.
#[derive(Clone, Copy)]
pub struct Late(pub RwSignal<Option<(&'static str, Option<Problem>)>>);

/// Says it in the frame, until the next page.
#[component]
pub fn SaidLate() -> impl IntoView {
    let Late(late) = expect_context();
    let path = use_location().pathname;
    Effect::new(move |before: Option<String>| {
        let path = path.get();
        if before.is_some_and(|before| before != path) {
            late.set(None);
        }
        path
    });
    let words = move || {
        late.get().map(|(words, refusal)| match refusal {
            Some(problem) => {
                view! { <p class="notice" data-tone="error">{words}" "{problem.to_string()}</p> }.into_any()
            }
            None => view! { <p class="notice">{words}</p> }.into_any(),
        })
    };
    view! { <div role="status">{words}</div> }
}
