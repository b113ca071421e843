//! What differs from a system's defaults, as told by the driver: `concurrency=24,poll_ms=5`, or `default`.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::time::Duration;

use anyhow::Context;

#[derive(Clone, Debug, Default)]
pub struct Settings(BTreeMap<String, u64>);

impl FromStr for Settings {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let given = text.split(',').filter(|one| *one != "default");
        let read = given.map(|one| {
            let (name, value) = one.split_once('=').with_context(|| format!("{one} is no name=number"))?;
            Ok((name.to_owned(), value.parse()?))
        });
        Ok(Self(read.collect::<anyhow::Result<_>>()?))
    }
}

impl Settings {
    pub fn number(&self, name: &str) -> Option<usize> {
        self.0.get(name).map(|value| *value as usize)
    }

    pub fn millis(&self, name: &str) -> Option<Duration> {
        self.0.get(name).map(|value| Duration::from_millis(*value))
    }
}
