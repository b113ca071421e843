use leptos::form::ActionForm;
use leptos::prelude::*;
use leptos_meta::Title;
use model::two_factor::{Enrolment, QrCode, RecoveryCodes, TwoFactor};

use super::api::{RenewCodes, StartTwoFactor, SwitchOff, SwitchOn};
use super::{read_again, status};
use crate::auth::ForSignedIn;
use crate::ui::{Done, Loading, Refusal, Refused, Submit, TextField, refusal_of};

/// The second factor of the signed-in person.
#[component]
pub fn TwoFactorPage() -> impl IntoView {
    view! {
        <Title text="Two-factor"/>
        <ForSignedIn>
            <section class="narrow stack">
                <h1>"Two-factor"</h1>
                <p class="field-help">
                    "With it a login asks for a code of your phone besides the password. "<a href="/account">"Your account"</a>
                </p>
                <Done/>
                <State/>
            </section>
        </ForSignedIn>
    }
}

/// The forms of the page, made once: what was refused stays when the state is read again.
#[derive(Clone, Copy)]
struct Forms {
    start: ServerAction<StartTwoFactor>,
    on: ServerAction<SwitchOn>,
    renew: ServerAction<RenewCodes>,
    off: ServerAction<SwitchOff>,
}

#[component]
fn State() -> impl IntoView {
    let forms = Forms {
        start: ServerAction::new(),
        on: ServerAction::new(),
        renew: ServerAction::new(),
        off: ServerAction::new(),
    };
    let state = status();
    read_again(move || {
        forms.start.version().get() + forms.on.version().get() + forms.renew.version().get() + forms.off.version().get()
    });
    let codes = newest_codes(forms);
    let shown = move || {
        state.get().map(|read| match read {
            Ok(TwoFactor::Off) => view! { <Off action=forms.start/> }.into_any(),
            Ok(TwoFactor::SettingUp(enrolment)) => {
                view! { <SettingUp enrolment start=forms.start on=forms.on/> }.into_any()
            }
            Ok(TwoFactor::On { recovery_codes_left }) => view! { <On left=recovery_codes_left forms/> }.into_any(),
            Err(error) => view! { <Refused problem=error.0/> }.into_any(),
        })
    };
    view! {
        {move || codes.get().map(|codes| view! { <ShownOnce codes/> })}
        <Transition fallback=|| view! { <Loading/> }>{shown}</Transition>
    }
}

/// What the last form has made. A plain form is answered by this page, with the codes in the context.
fn newest_codes(forms: Forms) -> RwSignal<Option<RecoveryCodes>> {
    let codes = RwSignal::new(use_context::<RecoveryCodes>());
    let keep = move |made: Option<Result<RecoveryCodes, _>>| {
        if let Some(Ok(made)) = made {
            codes.set(Some(made));
        }
    };
    Effect::new(move |_| keep(forms.on.value().get()));
    Effect::new(move |_| keep(forms.renew.value().get()));
    Effect::new(move |_| {
        if matches!(forms.off.value().get(), Some(Ok(()))) {
            codes.set(None);
        }
    });
    codes
}

#[component]
fn Off(action: ServerAction<StartTwoFactor>) -> impl IntoView {
    view! {
        <ActionForm action=action attr:class="panel stack">
            <p>"Two-factor is "<strong>"off"</strong>"."</p>
            <p>"You need an authenticator app that shows codes of six digits, on your phone or in your password manager."</p>
            <Refusal problem=refusal_of(action)/>
            <Submit label="Set up two-factor" pending=action.pending()/>
        </ActionForm>
    }
}

#[component]
fn SettingUp(enrolment: Enrolment, start: ServerAction<StartTwoFactor>, on: ServerAction<SwitchOn>) -> impl IntoView {
    let problem = refusal_of(on);
    let Enrolment { secret, uri, qr } = enrolment;
    view! {
        <ActionForm action=on attr:class="panel stack">
            <h2>"Set up your app"</h2>
            <p>"Scan this picture with the app, "<a href=uri rel="external">"open the app on this device"</a>", or type the key."</p>
            <Picture qr/>
            <dl class="kv">
                <dt>"Key"</dt><dd><code data-secret="">{secret}</code></dd>
            </dl>
            <Refusal problem=problem/>
            <TextField field="code" label="Code" autocomplete="one-time-code" problem=problem
                help="The six digits that the app shows now. All other sessions of yours end."/>
            <Submit label="Switch on" pending=on.pending()/>
        </ActionForm>
        <ActionForm action=start attr:class="panel stack">
            <p>"Somebody may have seen the picture? Begin again with another key."</p>
            <Refusal problem=refusal_of(start)/>
            <Submit label="Make another key" pending=start.pending()/>
        </ActionForm>
    }
}

/// Dark on light in dark mode as well: not every reader knows the other way round.
#[component]
fn Picture(qr: QrCode) -> impl IntoView {
    let size = qr.size;
    view! {
        <svg role="img" aria-label="QR code with the key" width="240" height="240" viewBox=format!("0 0 {size} {size}")
            shape-rendering="crispEdges">
            <rect width=size height=size fill="#fff"></rect>
            <path d=qr.path fill="#000"></path>
        </svg>
    }
}

#[component]
fn On(left: i64, forms: Forms) -> impl IntoView {
    let problem = refusal_of(forms.off);
    view! {
        <ActionForm action=forms.renew attr:class="panel stack">
            <p>"Two-factor is "<strong>"on"</strong>"."</p>
            <h2>"Recovery codes"</h2>
            <p>"Recovery codes left: "<strong>{left}</strong>". Each lets you in once when you do not have the app."</p>
            <Refusal problem=refusal_of(forms.renew)/>
            <Submit label="Make new recovery codes" pending=forms.renew.pending()/>
        </ActionForm>
        <ActionForm action=forms.off attr:class="panel stack">
            <h2>"Switch off"</h2>
            <Refusal problem=problem/>
            <TextField field="code" label="Code" autocomplete="one-time-code" problem=problem
                help="Of your authenticator app, or a recovery code."/>
            <button class="btn" data-variant="destructive" type="submit" disabled=move || forms.off.pending().get()>
                "Switch two-factor off"
            </button>
        </ActionForm>
    }
}

/// The new codes; they are nowhere else, and not on this page when it is opened again.
#[component]
fn ShownOnce(codes: RecoveryCodes) -> impl IntoView {
    let lines = codes.codes.into_iter().map(|code| view! { <li><code>{code}</code></li> }).collect_view();
    view! {
        <section class="panel stack" aria-labelledby="new-codes">
            <h2 id="new-codes">"Your new recovery codes"</h2>
            <p class="notice" data-tone="warn">
                "Print them or write them down now. They are shown this once, and we keep only their hashes. Codes from before are no longer good."
            </p>
            <ul>{lines}</ul>
        </section>
    }
}
