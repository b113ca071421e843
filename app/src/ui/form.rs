use std::collections::HashMap;

use leptos::html;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_router::hooks::use_query_map;
use model::Problem;

use crate::auth::confirm_address;
use crate::error::ApiError;

/// What a person had typed into a plain form that was refused, by input name; never passwords.
#[derive(Clone, Debug, Default)]
pub struct Typed(pub HashMap<String, String>);

/// The page that a plain form was refused on: its next POST comes from the address of the server function.
#[derive(Clone, Debug)]
pub struct RefusedOn(pub String);

impl RefusedOn {
    /// The input that says it.
    pub const NAME: &str = "from";
}

/// The name of the input for a field: `payload.data` is `new[payload][data]`, as the server functions read it.
pub(super) fn input_name(field: &str) -> String {
    field.split('.').fold(String::from("new"), |name, part| format!("{name}[{part}]"))
}

/// What the input shows at first: what was typed before a refusal, else the given text.
pub(super) fn first_value(field: &str, initial: &str) -> String {
    let typed = use_context::<Typed>().and_then(|typed| typed.0.get(&input_name(field)).cloned());
    typed.unwrap_or_else(|| initial.to_owned())
}

/// The value of a query parameter of this page, as it was when the page was opened; empty when it is missing.
pub fn query_value(name: &str) -> String {
    use_query_map().with_untracked(|query| query.get(name)).unwrap_or_default()
}

/// A value that goes with the form unseen.
#[component]
pub fn Hidden(field: &'static str, value: String) -> impl IntoView {
    view! { <input type="hidden" name=input_name(field) value=first_value(field, &value)/> }
}

/// The problem that belongs to this field, in words; before anything is sent, that its text is too long.
pub(super) fn problem_of(field: &'static str, problem: Memo<Option<Problem>>, length: Length) -> Memo<Option<String>> {
    Memo::new(move |_| {
        if let Some(words) = length.problem() {
            return Some(words);
        }
        let fields = problem.get().map(|problem| problem.fields()).unwrap_or_default();
        fields.into_iter().find(|refused| refused.field == field).map(|refused| refused.message)
    })
}

/// How many characters a field may have, and how many are in it, counted as the server counts. `maxlength` would count others, and cut off
/// what is pasted without a word.
#[derive(Clone, Copy)]
pub(super) struct Length {
    most: Option<usize>,
    trims: bool,
    typed: RwSignal<Option<usize>>,
}

impl Length {
    pub fn of(most: Option<usize>, trims: bool) -> Self {
        Self { most, trims, typed: RwSignal::new(None) }
    }

    fn look_at(self, text: &str) {
        if self.most.is_some() {
            let text = if self.trims { text.trim() } else { text };
            self.typed.set(Some(text.chars().count()));
        }
    }

    /// What is said below the field.
    fn words(self) -> Option<String> {
        let most = self.most?;
        Some(match self.typed.get() {
            None => format!("At most {most} characters"),
            Some(typed) => format!("{typed} of {most} characters"),
        })
    }

    /// What the server would say.
    fn problem(self) -> Option<String> {
        let (most, typed) = (self.most?, self.typed.get()?);
        (typed > most).then(|| format!("has {typed} characters, at most {most} are allowed"))
    }
}

/// Label, help, length and error around one input; they are tied to it for screen readers by its id.
#[component]
pub(super) fn Around(
    id: String,
    label: &'static str,
    help: &'static str,
    error: Memo<Option<String>>,
    length: Length,
    children: Children,
) -> impl IntoView {
    let count = length.most.map(|_| {
        view! { <p class="field-help" id=format!("{id}-length")>{move || length.words()}</p> }
    });
    view! {
        <div class="field" on:input=move |event| length.look_at(&event_target_value(&event))>
            <label for=id.clone()>{label}</label>
            {children()}
            {(!help.is_empty()).then(|| view! { <p class="field-help" id=format!("{id}-help")>{help}</p> })}
            {count}
            <p class="field-error" id=format!("{id}-error") role="alert">{move || error.get()}</p>
        </div>
    }
}

/// The ids of what [`Around`] says of an input.
pub(super) fn described_by(id: &str, help: &str, length: Length) -> String {
    let parts = [(!help.is_empty(), "help"), (length.most.is_some(), "length"), (true, "error")];
    let ids = parts.into_iter().filter(|(is_there, _)| *is_there).map(|(_, part)| format!("{id}-{part}"));
    ids.collect::<Vec<_>>().join(" ")
}

pub(super) fn id_of(form: &str, field: &str) -> String {
    if form.is_empty() { field.to_owned() } else { format!("{form}-{field}") }
}

/// Why the last try was refused.
pub fn refusal_of<S>(action: ServerAction<S>) -> Memo<Option<Problem>>
where
    S: ServerFn<Error = ApiError> + Clone + Send + Sync + 'static,
    S::Output: Clone + Send + Sync + 'static,
{
    refusal_in(*action)
}

pub(super) fn refusal_in<I, O>(action: Action<I, Result<O, ApiError>>) -> Memo<Option<Problem>>
where
    I: Send + Sync + 'static,
    O: Clone + Send + Sync + 'static,
{
    noted(Box::new(move || action.value().get().and_then(Result::err).map(|error| error.0)))
}

/// One memo for all kinds of actions: made anew for each it is 17 KB of client.
fn noted(refusal: Box<dyn Fn() -> Option<Problem> + Send + Sync>) -> Memo<Option<Problem>> {
    Memo::new(move |_| refusal())
}

/// The form of an action, which is as it was at first when the action has succeeded: the reason for one change is none for the next.
pub fn emptied_by<S>(action: ServerAction<S>) -> NodeRef<html::Form>
where
    S: ServerFn<Error = ApiError> + Clone + Send + Sync + 'static,
    S::Output: Clone + Send + Sync + 'static,
{
    emptied(action.version(), refusal_of(action))
}

fn emptied(version: RwSignal<usize>, refusal: Memo<Option<Problem>>) -> NodeRef<html::Form> {
    let form = NodeRef::<html::Form>::new();
    Effect::new(move |before: Option<usize>| {
        let version = version.get();
        let is_done = before.is_some_and(|before| before != version) && refusal.get_untracked().is_none();
        if is_done {
            empty(form);
        }
        version
    });
    form
}

/// Makes a form as it was at first.
pub fn empty(form: NodeRef<html::Form>) {
    if let Some(form) = form.get_untracked() {
        form.reset();
    }
}

/// One line of text.
#[component]
pub fn TextField(
    /// The field's name in a refusal; the input is named after it.
    field: &'static str,
    label: &'static str,
    problem: Memo<Option<Problem>>,
    #[prop(optional)] help: &'static str,
    #[prop(default = "text")] kind: &'static str,
    #[prop(optional)] autocomplete: &'static str,
    #[prop(optional, into)] initial: String,
    #[prop(default = true)] required: bool,
    /// Most characters, without the blanks around them.
    #[prop(default = None, into)]
    limit: Option<usize>,
    /// The least and the most number.
    #[prop(optional)]
    range: Option<(f64, f64)>,
    /// Tells the fields of one name apart where a page has several forms.
    #[prop(optional)]
    form: &'static str,
) -> impl IntoView {
    let length = Length::of(limit, true);
    let error = problem_of(field, problem, length);
    let id = id_of(form, field);
    let step = matches!(kind, "number").then_some("any");
    view! {
        <Around id=id.clone() label help error length>
            <input class="input" id=id.clone() name=input_name(field) type=kind value=first_value(field, &initial) required=required
                step=step min=range.map(|range| range.0) max=range.map(|range| range.1) autocomplete=(!autocomplete.is_empty()).then_some(autocomplete)
                aria-describedby=described_by(&id, help, length)
                aria-invalid=move || error.get().is_some().then_some("true")/>
        </Around>
    }
}

/// One of a few choices: value and words of each.
#[component]
pub fn SelectField(
    field: &'static str,
    label: &'static str,
    problem: Memo<Option<Problem>>,
    choices: Vec<(&'static str, &'static str)>,
    #[prop(optional)] help: &'static str,
    #[prop(optional, into)] initial: String,
    /// Tells the fields of one name apart where a page has several forms.
    #[prop(optional)]
    form: &'static str,
) -> impl IntoView {
    let length = Length::of(None, false);
    let error = problem_of(field, problem, length);
    let id = id_of(form, field);
    let chosen = first_value(field, &initial);
    let options = choices
        .into_iter()
        .map(|(value, words)| view! { <option value=value selected=value == chosen>{words}</option> })
        .collect_view();
    view! {
        <Around id=id.clone() label help error length>
            <select class="select" id=id.clone() name=input_name(field) aria-describedby=described_by(&id, help, length)
                aria-invalid=move || error.get().is_some().then_some("true")>
                {options}
            </select>
        </Around>
    }
}

/// Yes or no. On the wire it is `true`, or missing.
#[component]
pub fn Checkbox(
    field: &'static str,
    label: &'static str,
    #[prop(optional)] help: &'static str,
    #[prop(optional)] initial: bool,
) -> impl IntoView {
    // In a form that came back, a box that is missing was not ticked.
    let initial = if initial && use_context::<Typed>().is_none() { "true" } else { "" };
    let checked = first_value(field, initial) == "true";
    let help_id = (!help.is_empty()).then(|| format!("{field}-help"));
    view! {
        <div class="field">
            <label class="actions">
                <input type="checkbox" name=input_name(field) value="true" checked=checked aria-describedby=help_id.clone()/>
                <span>{label}</span>
            </label>
            {help_id.map(|id| view! { <p class="field-help" id=id>{help}</p> })}
        </div>
    }
}

/// Some of a few choices: value and words of each. On the wire the choice at place `i` is `new[field][i]`.
#[component]
pub fn CheckboxGroup(
    field: &'static str,
    label: &'static str,
    problem: Memo<Option<Problem>>,
    choices: Vec<(&'static str, &'static str)>,
) -> impl IntoView {
    let error = problem_of(field, problem, Length::of(None, false));
    let boxes = choices.into_iter().enumerate().map(|(place, (value, words))| {
        let path = format!("{field}.{place}");
        let checked = first_value(&path, "") == value;
        view! {
            <label class="actions">
                <input type="checkbox" name=input_name(&path) value=value checked=checked aria-describedby=format!("{field}-error")/>
                <span><code>{value}</code>" "{words}</span>
            </label>
        }
    });
    view! {
        <fieldset class="field">
            <legend>{label}</legend>
            {boxes.collect_view()}
            <p class="field-error" id=format!("{field}-error") role="alert">{move || error.get()}</p>
        </fieldset>
    }
}

/// What was refused as a whole; what belongs to one field stands there. It belongs into the form.
#[component]
pub fn Refusal(
    problem: Memo<Option<Problem>>,
    /// A field that has no place in the form, and what people call it.
    #[prop(optional)]
    unseen: Option<(&'static str, &'static str)>,
) -> impl IntoView {
    let words = move || {
        let problem = problem.get()?;
        let fields = problem.fields();
        let of_unseen = unseen.and_then(|(name, called)| {
            fields.iter().find(|refused| refused.field == name).map(|refused| format!("{called} {}.", refused.message))
        });
        Some(of_unseen.unwrap_or_else(|| match fields.is_empty() {
            true => problem.to_string(),
            false => "Please look at the marked fields.".to_owned(),
        }))
    };
    let confirm = confirm_address();
    let way = move || {
        let is_needed = problem.get() == Some(Problem::ReauthenticationRequired);
        is_needed.then(|| view! { " "<a href=confirm.get()>"Confirm your password"</a> })
    };
    view! {
        <div role="alert" aria-live="polite">
            {move || words().map(|words| view! { <p class="notice" data-tone="error">{words}{way}</p> })}
        </div>
        {use_context::<RefusedOn>().map(|RefusedOn(page)| view! { <input type="hidden" name=RefusedOn::NAME value=page/> })}
    }
}

/// The button that sends a form; it rests while the form is on its way.
#[component]
pub fn Submit(label: &'static str, #[prop(into)] pending: Signal<bool>) -> impl IntoView {
    view! {
        <button class="btn" type="submit" disabled=move || pending.get() aria-busy=move || pending.get().then_some("true")>
            {label}
        </button>
    }
}
