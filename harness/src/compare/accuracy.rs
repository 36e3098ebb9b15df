//! Both arms of a cell answer the same examples, chunk by chunk, and stop where a watch says that their answers decide.

use std::sync::Arc;
use std::time::Duration;

use edgebench_reports::record::EvaluationRecord;
use edgebench_reports::stats::sprt::{Decision, FlipWatch};
use edgebench_wire::Prediction;

use super::order;
use super::pair::{ArmJob, Job, Resident, told};
use crate::run::{EvaluationData, evaluation_record};
use crate::session::SessionError;

/// Examples that an arm answers before it is the other one's turn.
const CHUNK: u32 = 64;

/// The word for the order of chunks among the lots of a comparison: no round has this number.
const CHUNKS: u32 = u32::MAX;

/// What both arms said.
pub(super) struct Answers {
    /// Of the base and of the head.
    pub(super) arms: [EvaluationRecord; 2],
    /// Whether they stopped before the last example.
    pub(super) stopped: bool,
}

impl Job {
    /// Answers of both arms; none where an arm has no data. With a watch, chunks come in an order drawn from `seed`: the
    /// examples of a data set often lie class by class. The error is one line.
    pub(super) async fn answers(
        &self,
        watch: Option<FlipWatch>,
        seed: u64,
        silence: Duration,
    ) -> Result<Option<Answers>, String> {
        let (Some(base), Some(head)) = (&self.base.data, &self.head.data) else { return Ok(None) };
        // Other bytes are other questions: a gate will say so, and nothing can be watched.
        let watch = watch.filter(|_| base.digest == head.digest && base.labels == head.labels);
        let answered = match watch {
            Some(watch) => self.watched(base, watch, seed, silence).await,
            None => self.all([base, head], silence).await,
        };
        self.reach.rest().await;
        answered.map(Some).map_err(|error| told(&error))
    }

    async fn all(&self, data: [&Arc<EvaluationData>; 2], silence: Duration) -> Result<Answers, SessionError> {
        let base = self.every(&self.base, data[0], silence).await?;
        let head = self.every(&self.head, data[1], silence).await?;
        Ok(Answers { arms: [base, head], stopped: false })
    }

    async fn every(
        &self,
        arm: &ArmJob,
        data: &EvaluationData,
        silence: Duration,
    ) -> Result<EvaluationRecord, SessionError> {
        let count = u32::try_from(data.labels.len()).unwrap_or(u32::MAX);
        let mut resident = Resident::start(arm, self, silence).await?;
        let predictions = resident.answer(data, 0..count).await?;
        resident.leave().await;
        Ok(evaluation_record(data, 0..count, predictions))
    }

    async fn watched(
        &self,
        data: &Arc<EvaluationData>,
        mut watch: FlipWatch,
        seed: u64,
        silence: Duration,
    ) -> Result<Answers, SessionError> {
        let count = u32::try_from(data.labels.len()).unwrap_or(u32::MAX);
        let mut arms = [
            Resident::start(&self.base, self, silence).await?,
            Resident::start(&self.head, self, silence).await?,
        ];
        let (mut positions, mut said) = (Vec::new(), [Vec::new(), Vec::new()]);
        for chunk in order::cells(seed, CHUNKS, count.div_ceil(CHUNK) as usize) {
            let first = u32::try_from(chunk).unwrap_or(u32::MAX).saturating_mul(CHUNK);
            let examples = first..count.min(first.saturating_add(CHUNK));
            for (arm, said) in arms.iter_mut().zip(&mut said) {
                said.extend(arm.answer(data, examples.clone()).await?);
            }
            let begun = positions.len();
            positions.extend(examples);
            if decided(&mut watch, data, &positions[begun..], said.each_ref().map(|said| &said[begun..])) {
                break;
            }
        }
        for arm in arms {
            arm.leave().await;
        }
        let stopped = positions.len() < data.labels.len();
        let arms = said.map(|said| evaluation_record(data, positions.iter().copied(), said));
        Ok(Answers { arms, stopped })
    }
}

/// Shows a chunk of answers to the watch; whether they decide.
fn decided(
    watch: &mut FlipWatch,
    data: &EvaluationData,
    positions: &[u32],
    [base, head]: [&[Prediction]; 2],
) -> bool {
    for ((position, base), head) in positions.iter().zip(base).zip(head) {
        let label = data.labels.get(*position as usize);
        let is_right = |one: &Prediction| one.top.first().map(|(class, _)| class) == label;
        watch.add(is_right(base), is_right(head));
    }
    watch.decision() != Decision::GoOn
}

#[cfg(test)]
mod tests {
    use super::*;
    use edgebench_wire::Digest;

    fn said(class: u32) -> Prediction {
        Prediction { top: vec![(class, 1.0)], raw: None }
    }

    #[test]
    fn answers_decide_by_their_labels() {
        let data = EvaluationData {
            dataset: "d".to_owned(),
            split: "test".to_owned(),
            digest: Digest([0; 32]),
            path: "pack".into(),
            examples: vec![7, 8, 9],
            labels: vec![1, 2, 3],
        };
        let mut watch = FlipWatch::new(0.1, 0.05, 0.05).expect("a watch");
        let (right, wrong) = ([said(3), said(2)], [said(0), said(2)]);
        // One answer is lost each time.
        let chunks = (1..).find(|_| decided(&mut watch, &data, &[2, 1], [&right, &wrong])).expect("decided");
        assert_eq!(watch.decision(), Decision::Drop);
        assert!((3..40).contains(&chunks), "{chunks}");
    }
}
