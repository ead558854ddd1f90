//! Where the ids in paths come from: lists that the API itself serves, read once before the load.

use serde_json::Value;

use crate::import::draft::{Exchange, SetupDraft};
use crate::import::openapi::document::{Document, Operation};
use crate::import::text::snake;

/// Keys under which answers keep their list, best first.
const LIST_KEYS: [&str; 8] =
    ["items", "data", "results", "records", "rows", "content", "entries", "list"];
/// Names of the field that tells items apart, where it is not the parameter's own.
const ID_FIELDS: [&str; 4] = ["id", "uuid", "_id", "pk"];

/// An operation whose answer is a list of objects.
struct List<'d> {
    operation: &'d Operation<'d>,
    /// `JSONPath` of the items.
    items: String,
    /// The items' schema, before its reference is followed.
    item: &'d Value,
}

/// The lists, and the pools taken from them so far.
pub(super) struct Pools<'d> {
    document: &'d Document,
    lists: Vec<List<'d>>,
    /// In the order in which they were needed.
    setup: Vec<(usize, Vec<(String, String)>)>,
}

impl<'d> Pools<'d> {
    /// Looks for lists among reads without ids in their path.
    pub(super) fn new(document: &'d Document, operations: &'d [Operation<'d>]) -> Self {
        let fixed = operations
            .iter()
            .filter(|operation| operation.method == "GET" && !operation.path.contains('{'));
        let lists = fixed.filter_map(|operation| {
            let (items, item) = list_in(document, document.answer(operation)?, "$", 2)?;
            Some(List { operation, items, item })
        });
        Self { document, lists: lists.collect(), setup: Vec::new() }
    }

    /// The pool that fills the parameter `name` of `operation`'s path, if a list has such values.
    pub(super) fn pool_for(&mut self, operation: &Operation<'_>, name: &str) -> Option<String> {
        let (list, field) = self.source(operation, name)?;
        let path = format!("{}.{field}", self.lists[list].items);
        let filled = self.setup.iter_mut().find(|(filled, _)| *filled == list);
        if let Some((pool, _)) =
            filled.iter().flat_map(|(_, pools)| pools).find(|(_, known)| *known == path)
        {
            return Some(pool.clone());
        }
        let parent =
            snake(self.lists[list].operation.path.rsplit('/').find(|part| !part.is_empty())?);
        let plain = format!("{}s", snake(name));
        let taken = |name: &str| {
            self.setup.iter().flat_map(|(_, pools)| pools).any(|(pool, _)| pool == name)
        };
        let wishes = [plain.clone(), format!("{parent}_{plain}")];
        let free = wishes.into_iter().find(|wish| !taken(wish));
        let pool = free.unwrap_or_else(|| format!("{plain}_{}", self.setup.len() + 1));
        match self.setup.iter_mut().find(|(filled, _)| *filled == list) {
            Some((_, pools)) => pools.push((pool.clone(), path)),
            None => self.setup.push((list, vec![(pool.clone(), path)])),
        }
        Some(pool)
    }

    /// The list at the path before the parameter, else one of the same kind of items, else one whose items
    /// bear the parameter's name.
    fn source(&self, operation: &Operation<'_>, name: &str) -> Option<(usize, String)> {
        let before = operation.path.split(&format!("{{{name}}}")).next()?.trim_end_matches('/');
        let answer = self.document.answer(operation).and_then(reference);
        let field = |list: &List<'d>| field_for(&self.document.properties(list.item), name);
        let at_path = |list: &List<'d>| {
            (list.operation.path.trim_end_matches('/') == before).then(|| field(list)).flatten()
        };
        let same_kind = |list: &List<'d>| {
            (answer.is_some() && reference(list.item) == answer).then(|| field(list)).flatten()
        };
        let same_name = |list: &List<'d>| {
            let own = name.len() > 2 && self.document.properties(list.item).contains_key(name);
            own.then(|| name.to_owned())
        };
        let first = |look: &dyn Fn(&List<'d>) -> Option<String>| {
            self.lists.iter().enumerate().find_map(|(at, list)| Some((at, look(list)?)))
        };
        first(&at_path).or_else(|| first(&same_kind)).or_else(|| first(&same_name))
    }

    /// The requests that fill the pools; `exchange` makes a request of an operation.
    pub(super) fn into_setup(
        self,
        mut exchange: impl FnMut(&Operation<'_>) -> Exchange,
    ) -> Vec<SetupDraft> {
        let requests = self.setup.into_iter().map(|(list, pools)| {
            let operation = self.lists[list].operation;
            let hint = format!("{} lists nothing; create some items first", operation.path);
            SetupDraft { exchange: exchange(operation), pools, hint }
        });
        requests.collect()
    }
}

fn reference(schema: &Value) -> Option<&str> {
    schema.get("$ref").and_then(Value::as_str)
}

/// The list of objects that a schema is or holds, and its `JSONPath`.
fn list_in<'d>(
    document: &'d Document,
    schema: &'d Value,
    path: &str,
    depth: usize,
) -> Option<(String, &'d Value)> {
    let schema = document.present(schema);
    if let Some(item) = schema.get("items") {
        let objects = !document.properties(item).is_empty();
        return objects.then(|| (format!("{path}[*]"), item));
    }
    let properties = schema.get("properties")?.as_object().filter(|_| depth > 0)?;
    let mut names: Vec<&String> = properties.keys().filter(|name| is_plain(name)).collect();
    let rank =
        |name: &str| LIST_KEYS.iter().position(|key| *key == name).unwrap_or(LIST_KEYS.len());
    names.sort_by_key(|name| rank(name));
    names
        .into_iter()
        .find_map(|name| list_in(document, &properties[name], &format!("{path}.{name}"), depth - 1))
}

/// The field whose values fit a parameter.
fn field_for(properties: &serde_json::Map<String, Value>, parameter: &str) -> Option<String> {
    let wanted = snake(parameter);
    let same = properties.keys().find(|name| snake(name) == wanted && is_plain(name));
    let id = || {
        let names_an_id = ["id", "uuid", "pk", "key"].iter().any(|end| wanted.ends_with(end));
        ID_FIELDS.iter().find(|field| names_an_id && properties.contains_key(**field))
    };
    same.cloned().or_else(|| id().map(|field| (*field).to_owned()))
}

/// Whether a name stands in a `JSONPath` as it is.
fn is_plain(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
