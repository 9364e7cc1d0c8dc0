//! Nodes of an ONNX graph: an operator with attributes, and the names of inputs and outputs.

use super::proto::{self, attribute};
use super::tensor::Tensor;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// A node, with the operator set of its domain in the file.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    pub(super) name: String,
    pub(super) operator: String,
    /// The domain of the operator, empty for the default domain.
    pub(super) domain: String,
    pub(super) version: i64,
    /// The names of the inputs, empty for an omitted optional input.
    pub(super) inputs: Vec<String>,
    pub(super) outputs: Vec<String>,
    pub(super) attributes: BTreeMap<String, Attribute>,
}

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Attribute {
    Number(f32),
    Integer(i64),
    Text(String),
    Tensor(Tensor),
    Numbers(Vec<f32>),
    Integers(Vec<i64>),
    Texts(Vec<String>),
    /// An attribute that cannot be read, and the reason.
    Unreadable(String),
    /// A branch of `If`.
    Graph(Arc<proto::Graph>),
    /// An attribute of another type.
    Other,
}

impl Node {
    pub(super) fn read(node: proto::Node, versions: &BTreeMap<String, i64>) -> Result<Node, String> {
        let (operator, domain) = (node.op_type.unwrap_or_default(), node.domain.unwrap_or_default());
        let domain = if domain == "ai.onnx" { String::new() } else { domain };
        let version = versions.get(&domain).copied().unwrap_or(1);
        let name = node.name.unwrap_or_default();
        let mut attributes = BTreeMap::new();
        for attribute in node.attribute {
            let value = Attribute::read(&attribute).unwrap_or_else(Attribute::Unreadable);
            let key = attribute.name.unwrap_or_default();
            if attributes.insert(key.clone(), value).is_some() {
                return Err(format!("{operator} \"{name}\": attribute {key} occurs twice"));
            }
        }
        Ok(Node { name, operator, domain, version, inputs: node.input, outputs: node.output, attributes })
    }

    /// Creates a node of the default domain that replaces a part of this one.
    pub(super) fn part(&self, operator: &str, inputs: &[&str], output: &str) -> Node {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Node {
            name: self.name.clone(),
            operator: operator.into(),
            domain: String::new(),
            version: 13,
            inputs: names(inputs),
            outputs: names(&[output]),
            attributes: BTreeMap::new(),
        }
    }

    /// Adds an attribute.
    pub(super) fn with(mut self, name: &str, value: Attribute) -> Node {
        self.attributes.insert(name.into(), value);
        self
    }

    /// Reads an integer attribute; `default` if it is omitted.
    pub(super) fn integer(&self, name: &str, default: i64) -> Result<i64, String> {
        match self.attributes.get(name) {
            None => Ok(default),
            Some(Attribute::Integer(value)) => Ok(*value),
            Some(_) => Err(type_error(name, "an integer")),
        }
    }

    /// Reads a float attribute; `default` if it is omitted.
    pub(super) fn number(&self, name: &str, default: f32) -> Result<f32, String> {
        match self.attributes.get(name) {
            None => Ok(default),
            Some(Attribute::Number(value)) => Ok(*value),
            Some(_) => Err(type_error(name, "a float")),
        }
    }

    /// Reads an attribute that is a list of integers; `None` if it is omitted.
    pub(super) fn integers(&self, name: &str) -> Result<Option<&[i64]>, String> {
        match self.attributes.get(name) {
            None => Ok(None),
            Some(Attribute::Integers(values)) => Ok(Some(values)),
            Some(_) => Err(type_error(name, "a list of integers")),
        }
    }

    /// Reads an attribute that is a list of floats; empty if it is omitted.
    pub(super) fn numbers(&self, name: &str) -> Result<&[f32], String> {
        match self.attributes.get(name) {
            None => Ok(&[]),
            Some(Attribute::Numbers(values)) => Ok(values),
            Some(_) => Err(type_error(name, "a list of floats")),
        }
    }

    /// Reads a string attribute; `default` if it is omitted.
    pub(super) fn text<'a>(&'a self, name: &str, default: &'a str) -> Result<&'a str, String> {
        match self.attributes.get(name) {
            None => Ok(default),
            Some(Attribute::Text(value)) => Ok(value),
            Some(_) => Err(type_error(name, "a string")),
        }
    }
}

fn type_error(name: &str, expected: &str) -> String {
    format!("attribute {name} has the wrong type, expected {expected}")
}

impl Attribute {
    fn read(attribute: &proto::Attribute) -> Result<Attribute, String> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok(match attribute.r#type.unwrap_or_default() {
            attribute::FLOAT => Attribute::Number(attribute.f.unwrap_or_default()),
            attribute::INT => Attribute::Integer(attribute.i.unwrap_or_default()),
            attribute::STRING => Attribute::Text(text(attribute.s.as_deref().unwrap_or_default())),
            attribute::TENSOR => Attribute::Tensor(Tensor::read(attribute.t.as_ref().ok_or("its tensor is missing")?)?),
            attribute::GRAPH => Attribute::Graph(Arc::new(attribute.g.clone().ok_or("its graph is missing")?)),
            attribute::FLOATS => Attribute::Numbers(attribute.floats.clone()),
            attribute::INTS => Attribute::Integers(attribute.ints.clone()),
            attribute::STRINGS => Attribute::Texts(attribute.strings.iter().map(|bytes| text(bytes)).collect()),
            _ => Attribute::Other,
        })
    }

    /// Encodes the attribute under a name.
    pub(super) fn write(&self, name: &str) -> proto::Attribute {
        let mut written = proto::Attribute { name: Some(name.into()), ..Default::default() };
        let kind = match self {
            Attribute::Number(value) => {
                written.f = Some(*value);
                attribute::FLOAT
            }
            Attribute::Integer(value) => {
                written.i = Some(*value);
                attribute::INT
            }
            Attribute::Text(value) => {
                written.s = Some(value.clone().into_bytes());
                attribute::STRING
            }
            Attribute::Tensor(value) => {
                written.t = Some(value.write(""));
                attribute::TENSOR
            }
            Attribute::Graph(graph) => {
                written.g = Some((**graph).clone());
                attribute::GRAPH
            }
            Attribute::Numbers(values) => {
                written.floats = values.clone();
                attribute::FLOATS
            }
            Attribute::Integers(values) => {
                written.ints = values.clone();
                attribute::INTS
            }
            Attribute::Texts(values) => {
                written.strings = values.iter().map(|text| text.clone().into_bytes()).collect();
                attribute::STRINGS
            }
            Attribute::Unreadable(_) | Attribute::Other => 0,
        };
        written.r#type = Some(kind);
        written
    }
}

impl fmt::Display for Node {
    /// Writes the operator and the name, such as `Conv "conv1"`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dot = if self.domain.is_empty() { "" } else { "." };
        write!(f, "{}{dot}{}", self.domain, self.operator)?;
        let output = self.outputs.first().map_or("", String::as_str);
        write!(f, " \"{}\"", if self.name.is_empty() { output } else { &self.name })
    }
}
