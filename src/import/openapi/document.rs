//! [`Document`]: an OpenAPI 3 document with its references followed.

use serde_json::{Map, Value};

use crate::import::ImportError;

/// References that lead to references are followed this far.
const REFERENCES_MAX: usize = 16;
const METHODS: [&str; 8] = ["get", "head", "post", "put", "patch", "delete", "options", "trace"];
const REMEDY: &str =
    "give the openapi.json that the server publishes; FastAPI has it at /openapi.json";

static NOTHING: Value = Value::Null;

/// A document of OpenAPI 3.0, 3.1 or 3.2.
pub(super) struct Document {
    root: Value,
    /// As the document says, such as `3.1.0`.
    pub(super) version: String,
}

/// One method of one path.
pub(super) struct Operation<'d> {
    /// In capitals.
    pub(super) method: String,
    /// With its parameters in braces.
    pub(super) path: &'d str,
    pub(super) node: &'d Value,
    pub(super) parameters: Vec<Parameter<'d>>,
}

/// A parameter of an operation.
pub(super) struct Parameter<'d> {
    pub(super) name: &'d str,
    /// `path`, `query`, `header` or `cookie`.
    pub(super) place: &'d str,
    pub(super) required: bool,
    pub(super) node: &'d Value,
    pub(super) schema: &'d Value,
}

impl Document {
    /// Reads JSON or YAML.
    pub(super) fn parse(text: &str) -> Result<Self, ImportError> {
        let root: Value = if text.trim_start().starts_with('{') {
            serde_json::from_str(text).map_err(|error| ImportError::json(&error, REMEDY))?
        } else {
            serde_saphyr::from_str(text).map_err(|error| {
                let whole = |number: u64| usize::try_from(number).unwrap_or(0);
                let place = error.location();
                ImportError {
                    place: place.map(|at| (whole(at.line()), Some(whole(at.column())))),
                    ..ImportError::new("neither JSON nor YAML", REMEDY)
                }
            })?
        };
        let version = match root.get("openapi") {
            Some(Value::String(version)) => version.clone(),
            Some(Value::Number(version)) => version.to_string(),
            _ if root.get("swagger").is_some() => {
                let remedy = "convert it to OpenAPI 3, for example with editor.swagger.io";
                return Err(ImportError::new("it is Swagger 2, which is not read", remedy));
            }
            _ => return Err(ImportError::new("it has no key `openapi`", REMEDY)),
        };
        if !version.starts_with("3.") {
            let cause = format!("its version is {version}, and 3.0 to 3.2 are read");
            return Err(ImportError::new(cause, REMEDY));
        }
        if !root.get("paths").is_some_and(Value::is_object) {
            return Err(ImportError::new("it has no `paths`", REMEDY));
        }
        Ok(Self { root, version })
    }

    /// The value below a key of the document itself.
    pub(super) fn get(&self, key: &str) -> &Value {
        self.root.get(key).unwrap_or(&NOTHING)
    }

    /// The value itself, or what its `$ref` stands for; null where that is not in the document.
    pub(super) fn resolve<'d>(&'d self, value: &'d Value) -> &'d Value {
        let mut value = value;
        for _ in 0..REFERENCES_MAX {
            let Some(reference) = value.get("$ref").and_then(Value::as_str) else { return value };
            let Some(pointer) = reference.strip_prefix('#') else { return &NOTHING };
            value = self.root.pointer(&unescaped(pointer)).unwrap_or(&NOTHING);
        }
        &NOTHING
    }

    /// Every operation, with the parameters of its path among its own.
    pub(super) fn operations(&self) -> Vec<Operation<'_>> {
        let mut operations = Vec::new();
        for (path, item) in self.get("paths").as_object().into_iter().flatten() {
            let item = self.resolve(item);
            for method in METHODS {
                let Some(node) = item.get(method).filter(|node| node.is_object()) else { continue };
                let mut parameters = self.parameters(node);
                for shared in self.parameters(item) {
                    let own = parameters
                        .iter()
                        .any(|own| (own.name, own.place) == (shared.name, shared.place));
                    if !own {
                        parameters.push(shared);
                    }
                }
                let method = method.to_ascii_uppercase();
                operations.push(Operation { method, path, node, parameters });
            }
        }
        operations
    }

    fn parameters<'d>(&'d self, node: &'d Value) -> Vec<Parameter<'d>> {
        let list = node.get("parameters").and_then(Value::as_array);
        let read = |node: &'d Value| {
            let node = self.resolve(node);
            let content = || self.media(node.get("content")?).map(|(_, media)| media);
            let schema = node.get("schema").or_else(|| content()?.get("schema"));
            Some(Parameter {
                name: node.get("name")?.as_str()?,
                place: node.get("in")?.as_str()?,
                required: node.get("required") == Some(&Value::Bool(true)),
                node,
                schema: schema.map_or(&NOTHING, |schema| self.resolve(schema)),
            })
        };
        list.into_iter().flatten().filter_map(read).collect()
    }

    /// The media type of a `content` that is best understood, and what is said about it.
    pub(super) fn media<'d>(&'d self, content: &'d Value) -> Option<(&'d str, &'d Value)> {
        let types = content.as_object()?;
        let rank = |name: &str| match name.split(';').next().unwrap_or_default() {
            "application/json" => 0,
            name if name.ends_with("+json") => 1,
            "application/x-www-form-urlencoded" => 2,
            "multipart/form-data" => 3,
            name if name.starts_with("text/") => 4,
            _ => 5,
        };
        let best = types.iter().min_by_key(|(name, _)| rank(name))?;
        Some((best.0.as_str(), self.resolve(best.1)))
    }

    /// The accepted answers of an operation: statuses from 200 to 399.
    pub(super) fn good_statuses(operation: &Operation<'_>) -> Vec<u16> {
        let responses = operation.node.get("responses").and_then(Value::as_object);
        let statuses =
            responses.into_iter().flatten().filter_map(|(status, _)| status.parse().ok());
        statuses.filter(|status| (200..400).contains(status)).collect()
    }

    /// The schema of a good answer in JSON, before its reference is followed.
    pub(super) fn answer<'d>(&'d self, operation: &Operation<'d>) -> Option<&'d Value> {
        let responses = operation.node.get("responses")?.as_object()?;
        let good =
            responses.iter().filter(|(status, _)| status.starts_with('2') || *status == "default");
        good.map(|(_, response)| self.resolve(response)).find_map(|response| {
            let (name, media) = self.media(response.get("content")?)?;
            name.contains("json").then_some(media.get("schema")?)
        })
    }

    /// The keys of an object's schema, those of `allOf` among them.
    pub(super) fn properties<'d>(&'d self, schema: &'d Value) -> Map<String, Value> {
        let mut properties = Map::new();
        self.collect_properties(schema, &mut properties, REFERENCES_MAX);
        properties
    }

    fn collect_properties(&self, schema: &Value, into: &mut Map<String, Value>, depth: usize) {
        let schema = self.present(schema);
        for (name, property) in
            schema.get("properties").and_then(Value::as_object).into_iter().flatten()
        {
            into.entry(name.clone()).or_insert_with(|| property.clone());
        }
        let parts = schema.get("allOf").and_then(Value::as_array);
        for part in parts.into_iter().flatten().filter(|_| depth > 0) {
            self.collect_properties(part, into, depth - 1);
        }
    }

    /// The keys that an object must have.
    pub(super) fn required(&self, schema: &Value) -> Vec<String> {
        let mut names = Vec::new();
        self.collect_required(schema, &mut names, REFERENCES_MAX);
        names
    }

    fn collect_required(&self, schema: &Value, into: &mut Vec<String>, depth: usize) {
        let schema = self.present(schema);
        let list = schema.get("required").and_then(Value::as_array);
        into.extend(list.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned));
        let parts = schema.get("allOf").and_then(Value::as_array);
        for part in parts.into_iter().flatten().filter(|_| depth > 0) {
            self.collect_required(part, into, depth - 1);
        }
    }

    /// A schema without the alternative that there is nothing: the first of `anyOf` and `oneOf` that is not
    /// null, with references followed.
    pub(super) fn present<'d>(&'d self, schema: &'d Value) -> &'d Value {
        let mut schema = self.resolve(schema);
        for _ in 0..REFERENCES_MAX {
            let choices = ["anyOf", "oneOf"].iter().find_map(|key| schema.get(key)?.as_array());
            let Some(choices) = choices else { return schema };
            let some = choices.iter().map(|choice| self.resolve(choice));
            let some =
                some.filter(|choice| choice.get("type").and_then(Value::as_str) != Some("null"));
            let Some(first) = some.into_iter().next() else { return schema };
            schema = first;
        }
        schema
    }
}

/// `~1` and `%7B` as JSON pointers in URLs have them; `~` is left to the pointer's reader.
fn unescaped(pointer: &str) -> String {
    pointer.replace("%7B", "{").replace("%7D", "}").replace("%7b", "{").replace("%7d", "}")
}
