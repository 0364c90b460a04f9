//! Steps say what DataFusion's own streams say.

use std::sync::Arc;

use arrow::array::{Array, Float64Array, Int64Array, RecordBatch, StringViewArray};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::util::pretty::pretty_format_batches;
use datafusion::datasource::MemTable;
use datafusion::physical_plan::collect;
use datafusion::prelude::{SessionConfig, SessionContext};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::super::slot::Slot;
use super::{Steps, Work};

fn rows(random: &mut ChaCha8Rng, count: usize) -> RecordBatch {
    let schema = Schema::new(vec![
        Field::new("k", DataType::Utf8View, true),
        Field::new("n", DataType::Int64, true),
        Field::new("f", DataType::Float64, true),
    ]);
    let mut some = |most: i64| random.random_bool(0.85).then(|| random.random_range(0..most));
    let keys: Vec<Option<String>> = (0..count).map(|_| some(7).map(|key| format!("键{key}"))).collect();
    let numbers: Vec<Option<i64>> = (0..count).map(|_| some(12)).collect();
    let floats: Vec<Option<f64>> = (0..count).map(|_| some(5).map(|value| value as f64 - 2.0)).collect();
    let columns: Vec<Arc<dyn Array>> = vec![
        Arc::new(StringViewArray::from_iter(keys.iter().map(Option::as_deref))),
        Arc::new(Int64Array::from(numbers)),
        Arc::new(Float64Array::from(floats)),
    ];
    RecordBatch::try_new(Arc::new(schema), columns).unwrap()
}

fn context(sizes: [&[usize]; 2]) -> SessionContext {
    let mut random = ChaCha8Rng::seed_from_u64(sizes[0].len() as u64 + 7 * sizes[1].len() as u64);
    let mut config = SessionConfig::new().with_target_partitions(1);
    config.options_mut().optimizer.enable_dynamic_filter_pushdown = false;
    config.options_mut().optimizer.enable_topk_dynamic_filter_pushdown = false;
    config.options_mut().optimizer.enable_join_dynamic_filter_pushdown = false;
    let context = SessionContext::new_with_config(config);
    for (name, sizes) in ["a", "b"].into_iter().zip(sizes) {
        let batches: Vec<RecordBatch> = sizes.iter().map(|count| rows(&mut random, *count)).collect();
        let schema = rows(&mut random, 0).schema();
        context.register_table(name, Arc::new(MemTable::try_new(schema, vec![batches]).unwrap())).unwrap();
    }
    context
}

/// Every query orders its rows by all columns, so that there is one right answer.
const QUERIES: &[&str] = &[
    "SELECT * FROM a ORDER BY 1, 2, 3",
    "SELECT n + 1 AS m, k FROM a WHERE n > 3 AND f < 1 ORDER BY 1, 2",
    "SELECT k FROM a WHERE n IS NULL OR f = 0 ORDER BY 1",
    "SELECT count(*), sum(n), min(k), max(f), avg(f), count(n) FILTER (WHERE f > 0) FROM a",
    "SELECT count(*), sum(n) FROM a WHERE n > 1000",
    "SELECT k, count(*) AS c, sum(n), avg(f) FILTER (WHERE n > 5), max(n) FROM a GROUP BY k ORDER BY 1",
    "SELECT k, n, count(*) AS c, bool_or(f > 0), first_value(f ORDER BY f DESC) FROM a GROUP BY k, n ORDER BY 1, 2",
    "SELECT k, approx_percentile_cont(0.5) WITHIN GROUP (ORDER BY f) AS p, stddev(n) FROM a GROUP BY k ORDER BY 1",
    "SELECT DISTINCT n % 3 AS m, k FROM a ORDER BY 1, 2",
    "SELECT k, count(DISTINCT n) FROM a GROUP BY k HAVING count(*) > 2 ORDER BY 1",
    "SELECT n, k, f FROM a WHERE n IS NOT NULL ORDER BY n, k, f LIMIT 5",
    "SELECT n, k, f FROM a WHERE n > 2 ORDER BY n DESC, k, f LIMIT 3",
    "SELECT n, k, f FROM a ORDER BY n NULLS FIRST, k, f LIMIT 4 OFFSET 2",
    "SELECT n, k, f FROM a WHERE f > -1 ORDER BY f DESC, n, k LIMIT 7",
    "SELECT n, k, f FROM a ORDER BY n * 2 DESC, k, f LIMIT 2",
    "SELECT n, k, f FROM a ORDER BY n, k, f LIMIT 0",
    "SELECT k, n * 2 AS d, n FROM a WHERE f > -1 ORDER BY n, k LIMIT 4",
    "SELECT k, n * 2 AS d, n FROM a ORDER BY n DESC, k LIMIT 4 OFFSET 1",
    "SELECT a.k, a.n, b.n AS m FROM a JOIN b ON a.k = b.k ORDER BY 1, 2, 3",
    "SELECT a.k, a.n, b.n AS m FROM a LEFT JOIN b ON a.k = b.k ORDER BY 1, 2, 3",
    "SELECT a.k, b.k AS l, b.f FROM a RIGHT JOIN b ON a.k = b.k AND a.n = b.n ORDER BY 1, 2, 3",
    "SELECT a.k, a.f, b.k AS l, b.n FROM a FULL JOIN b ON a.k = b.k AND a.n = b.n ORDER BY 1, 2, 3, 4",
    "SELECT a.k, b.n FROM a LEFT JOIN b ON a.k = b.k AND b.n > a.n ORDER BY 1, 2",
    "SELECT a.f, b.f AS g FROM a JOIN b ON a.f = b.f ORDER BY 1, 2",
    "SELECT a.n, b.n AS m FROM a JOIN b ON a.n IS NOT DISTINCT FROM b.n ORDER BY 1, 2",
    "SELECT a.n, b.k FROM a CROSS JOIN b ORDER BY 1, 2",
    "SELECT a.n, b.k FROM a JOIN b ON a.n > b.n ORDER BY 1, 2",
    "SELECT n FROM a WHERE k IN (SELECT k FROM b) ORDER BY 1",
    "SELECT n FROM a WHERE k NOT IN (SELECT k FROM b WHERE k IS NOT NULL) ORDER BY 1",
    "SELECT n, (SELECT max(n) FROM b) AS most FROM a WHERE n < (SELECT avg(n) FROM b) ORDER BY 1",
    "SELECT k, n FROM a UNION ALL SELECT k, n + 1 FROM b ORDER BY 1, 2",
    "SELECT k, n FROM a UNION SELECT k, n FROM b ORDER BY 1, 2 LIMIT 6",
    "SELECT k, n, sum(n) OVER (PARTITION BY k ORDER BY n, f) AS s FROM a ORDER BY 1, 2, 3",
    "SELECT k, rank() OVER (ORDER BY k) AS r, count(*) OVER () AS c FROM a ORDER BY 1, 2",
    "SELECT x.v, count(a.n) FROM (VALUES (1), (2), (99)) AS x(v) LEFT JOIN a ON a.n = x.v GROUP BY x.v ORDER BY 1",
    "SELECT k, grouping(k), count(*) FROM a GROUP BY ROLLUP (k) ORDER BY 1, 2, 3",
    "WITH x AS (SELECT k, sum(n) AS s FROM a GROUP BY k) SELECT x.k, x.s, t.all_s FROM x CROSS JOIN (SELECT sum(s) AS all_s FROM x) t ORDER BY 1, 2",
];

#[tokio::test]
async fn steps_give_the_rows_that_streams_give() {
    let sizes: [[&[usize]; 2]; 6] =
        [[&[60], &[25]], [&[40, 0, 33, 1], &[9, 9]], [&[], &[20]], [&[30], &[]], [&[0], &[0]], [&[400], &[3]]];
    for sizes in sizes {
        let context = context(sizes);
        for sql in QUERIES {
            let plan = context.sql(sql).await.unwrap().create_physical_plan().await.unwrap();
            let streamed = collect(plan.clone(), context.task_ctx()).await.unwrap();
            for keeps in [true, false] {
                let fresh = datafusion::physical_plan::execution_plan::reset_plan_states(plan.clone()).unwrap();
                let mut steps = Steps::new(&fresh, keeps).unwrap();
                // What a run leaves behind must not be seen in the next one.
                for run in 0..3 {
                    let (stepped, _) = steps.run(&context.task_ctx()).await.unwrap();
                    let text = |batches: &[RecordBatch]| {
                        let batches: Vec<_> = batches.iter().filter(|batch| batch.num_rows() > 0).cloned().collect();
                        pretty_format_batches(&batches).unwrap().to_string()
                    };
                    assert_eq!(text(&stepped), text(&streamed), "run {run} over {sizes:?}: {sql}");
                }
            }
        }
    }
}

/// A step whose inputs are those of the last run does not run, and a result that is the same again changes nothing above.
#[tokio::test]
async fn only_what_changed_runs_again() {
    let context = context([&[50], &[10]]);
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let (first, second) = (rows(&mut random, 50), rows(&mut random, 10));
    let slots = [Slot::new(first.schema()), Slot::new(second.schema())];
    for (name, slot) in ["x", "y"].into_iter().zip(&slots) {
        context.register_table(name, slot.table()).unwrap();
    }
    let sql = "SELECT x.k, count(*) AS c, max(x.n) AS n, max(x.f) AS f, max(y.n) AS m, max(y.f) AS g \
               FROM x JOIN (SELECT k, max(n) AS n, max(f) AS f FROM y GROUP BY k) y ON x.k = y.k GROUP BY x.k ORDER BY 1";
    let plan = context.sql(sql).await.unwrap().create_physical_plan().await.unwrap();
    let mut steps = Steps::new(&plan, true).unwrap();
    assert!(steps.steps.iter().all(|step| !matches!(step.work, Work::Plan(..))), "all of this is known");
    slots[0].set(vec![first.clone()]);
    slots[1].set(vec![second.clone()]);
    let ran = |steps: &Steps| steps.steps.iter().map(|step| step.changed).collect::<Vec<_>>();
    let (answer, changed) = steps.run(&context.task_ctx()).await.unwrap();
    assert!(changed && answer.iter().any(|batch| batch.num_rows() > 0));
    let (again, changed) = steps.run(&context.task_ctx()).await.unwrap();
    assert!(!changed && again == answer && ran(&steps).iter().all(|ran| !ran));
    // The same rows twice: other batches, the same groups.
    slots[1].set(vec![second.clone(), second.clone()]);
    let (again, changed) = steps.run(&context.task_ctx()).await.unwrap();
    assert!(!changed && again == answer);
    assert!(ran(&steps).iter().any(|ran| *ran), "the slot did change");
    slots[0].set(vec![first.clone(), first]);
    let (twice, changed) = steps.run(&context.task_ctx()).await.unwrap();
    assert!(changed && twice != answer);
}
