//! Which subgraphs a node runs, and that no subgraph comes to run itself: nothing that follows calls needs to count how
//! deep it is. And which variables the subgraphs share.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

use edgebench_schema::tflite::{self, BuiltinOperator};

use super::limits::MAX_CALL_DEPTH;
use super::{Graph, Spot};
use crate::error::Fault;

/// How a node runs other subgraphs, by their index.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Call {
    /// One of two, as the first input says.
    If { then: usize, otherwise: usize },
    /// The body for as long as the condition holds.
    While { condition: usize, body: usize },
    /// It, but only in the first run.
    Once { body: usize },
    /// It, each time.
    Always { body: usize },
}

/// What a node does with a variable, by its number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Access {
    Read(usize),
    Assign(usize),
}

impl Call {
    /// What the options of a node say; none for an operator that calls nothing, or without its options.
    pub(super) fn read(
        operator: BuiltinOperator,
        table: &tflite::Operator<'_>,
        place: Spot<'_>,
        subgraphs: usize,
    ) -> Result<Option<Self>, Fault> {
        let index = |value: i32| {
            let index = usize::try_from(value).ok().filter(|index| *index < subgraphs);
            let expected = || format!("subgraph index below {subgraphs}");
            index.ok_or_else(|| Fault::mismatch(place, expected(), format!("{value}")))
        };
        match operator {
            BuiltinOperator::IF => {
                let Some(options) = table.builtin_options_as_if_options() else { return Ok(None) };
                let then = index(options.then_subgraph_index())?;
                Ok(Some(Self::If { then, otherwise: index(options.else_subgraph_index())? }))
            }
            BuiltinOperator::WHILE => {
                let Some(options) = table.builtin_options_as_while_options() else { return Ok(None) };
                let condition = index(options.cond_subgraph_index())?;
                Ok(Some(Self::While { condition, body: index(options.body_subgraph_index())? }))
            }
            BuiltinOperator::CALL_ONCE => {
                let Some(options) = table.builtin_options_as_call_once_options() else { return Ok(None) };
                Ok(Some(Self::Once { body: index(options.init_subgraph_index())? }))
            }
            BuiltinOperator::CALL => {
                let Some(options) = table.builtin_options_as_call_options() else { return Ok(None) };
                let body = usize::try_from(options.subgraph()).ok().filter(|body| *body < subgraphs);
                let expected = || format!("subgraph index below {subgraphs}");
                let found = || format!("{}", options.subgraph());
                let body = body.ok_or_else(|| Fault::mismatch(place, expected(), found()))?;
                Ok(Some(Self::Always { body }))
            }
            BuiltinOperator::STABLEHLO_COMPOSITE => {
                let Some(options) = table.builtin_options2_as_stable_hlocomposite_options() else {
                    return Ok(None);
                };
                Ok(Some(Self::Always { body: index(options.decomposition_subgraph_index())? }))
            }
            _ => Ok(None),
        }
    }

    fn callees(self) -> [usize; 2] {
        match self {
            Self::If { then, otherwise } => [then, otherwise],
            Self::While { condition, body } => [condition, body],
            Self::Once { body } | Self::Always { body } => [body, body],
        }
    }
}

/// Checks that calls end: every chain of them has at most [`MAX_CALL_DEPTH`] links.
pub(super) fn check(graphs: &[Graph<'_>]) -> Result<(), Fault> {
    let calls = |graph: &Graph<'_>| -> Vec<usize> {
        graph.nodes.iter().filter_map(|node| node.call).flat_map(Call::callees).collect()
    };
    let calls: Vec<Vec<usize>> = graphs.iter().map(calls).collect();
    let mut depths = vec![0usize; graphs.len()];
    for _ in 0..=MAX_CALL_DEPTH {
        let depth =
            |own: &Vec<usize>| own.iter().map(|callee| depths[*callee].saturating_add(1)).max().unwrap_or(0);
        let deeper: Vec<usize> = calls.iter().map(depth).collect();
        if deeper == depths {
            return Ok(());
        }
        depths = deeper;
    }
    Err(Fault::mismatch("model", format!("calls of subgraphs that end after {MAX_CALL_DEPTH}"), "more"))
}

/// Gives each variable that the nodes name a number. The same name in the same container is the same variable. Returns
/// how many there are.
pub(super) fn number_variables(graphs: &mut [Graph<'_>]) -> usize {
    let mut numbers = BTreeMap::new();
    for node in graphs.iter_mut().flat_map(|graph| &mut graph.nodes) {
        if let Some(options) = node.table.builtin_options_as_var_handle_options() {
            let name = (options.container().unwrap_or_default(), options.shared_name().unwrap_or_default());
            let next = numbers.len() as u32;
            node.variable = Some(*numbers.entry(name).or_insert(next));
        }
    }
    numbers.len()
}
