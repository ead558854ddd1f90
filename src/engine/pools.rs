//! Set-up requests, sent in order, and the pools and variables that their answers fill.

use std::sync::Arc;

use crate::engine::kept::Kept;
use crate::engine::prepare::PrepareError;
use crate::engine::setup_client::{SetupCall, SetupClient, document, step};
use crate::engine::single::Stage;
use crate::load::extract::Extraction;
use crate::load::json_text;
use crate::load::plan::{PoolSource, PoolValues};
use crate::load::request::Pools;
use crate::profile::select;
use crate::transport::single::Answer;

impl SetupClient<'_> {
    /// Sends every set-up request; each finds what those before it have brought.
    pub(super) async fn fill_pools(&self, token: &str) -> Result<Pools, PrepareError> {
        let mut filled: Vec<Arc<[String]>> = vec![Arc::from([]); self.plan.pools.len()];
        for (number, request) in self.plan.setup.iter().enumerate() {
            let (pools, step) = (Pools::from(filled.as_slice()), step(request));
            let stage = Stage::SetUp;
            let errand = SetupCall { request, stage, pools: &pools, token, step: &step };
            let answer = self.accepted(errand).await?;
            for (values, source) in filled.iter_mut().zip(&self.plan.pools) {
                if source.setup == number {
                    let read = read(source, &answer);
                    let unusable = |what| PrepareError::Unusable { step: step.clone(), what };
                    *values = read.map_err(unusable)?.into();
                }
            }
        }
        Ok(filled.into())
    }
}

/// The values of a pool, or what is wrong; the answer may hold secrets and is not quoted.
fn read(source: &PoolSource, answer: &Answer) -> Result<Vec<String>, String> {
    match &source.values {
        PoolValues::Selected(path) => {
            // A filter compares numbers, so it is given them as such.
            let texts = |body: &[u8]| {
                let texts = (!path.contains('?')).then(|| json_text::read_number_texts(body));
                texts.flatten().or_else(|| json_text::read(body))
            };
            let document = document(answer, texts)?;
            select(path, &document).map_err(|error| error.to_string())
        }
        PoolValues::Extracted(extraction) => {
            let values = extracted(extraction, answer);
            if values.is_empty() && extraction.into.is_needed() {
                let hint = source.hint.as_deref().unwrap_or("`steadfire once` shows the answer");
                return Err(format!("the answer holds no value for `{}`; {hint}", source.name));
            }
            Ok(values)
        }
    }
}

fn extracted(extraction: &Extraction, answer: &Answer) -> Vec<String> {
    let kept = Kept::of(&answer.headers, &answer.body);
    kept.show(answer.body.len() as u64, |answer| extraction.values(answer))
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;
    use crate::load::extract::{Selector, Target};

    #[test]
    fn a_variable_must_be_there_and_a_pool_may_be_empty() {
        let mut headers = HeaderMap::new();
        headers.append("x-id", "a".parse().unwrap());
        headers.append("x-id", "b".parse().unwrap());
        let answer = Answer { status: 200, headers, body: b"[1, 2, {}]".to_vec() };
        let source = |values, hint: Option<&str>| PoolSource {
            name: "id".into(),
            setup: 0,
            values,
            hint: hint.map(str::to_owned),
        };
        let header = |name: &str, into| {
            let source = Selector::Header(name.parse().unwrap());
            PoolValues::Extracted(Extraction { name: "id".into(), source, into })
        };
        let list = |values: &[&str]| Ok(values.iter().map(|&value| value.to_owned()).collect());
        let table: [(PoolSource, Result<Vec<String>, String>); 6] = [
            (source(header("x-id", Target::Pool(0)), None), list(&["a", "b"])),
            (source(header("x-id", Target::Variable(0)), None), list(&["a"])),
            (source(header("x-no", Target::Pool(0)), None), list(&[])),
            (
                source(header("x-no", Target::Variable(0)), Some("sign in first")),
                Err("the answer holds no value for `id`; sign in first".to_owned()),
            ),
            (source(PoolValues::Selected("$[0]".into()), None), list(&["1"])),
            (
                source(PoolValues::Selected("$[*]".into()), None),
                Err("'$[*]' selects an object, not text or a number".to_owned()),
            ),
        ];
        for (source, expected) in table {
            assert_eq!(read(&source, &answer), expected, "{source:?}");
        }
    }
}
