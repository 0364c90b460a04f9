//! Group keys and their numbers.

use std::sync::Arc;

use ahash::AHashMap;
use arrow::array::{Array, ArrayRef, AsArray, StringViewArray};
use arrow::buffer::{NullBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::Result;
use datafusion::logical_expr::EmitTo;
use datafusion::physical_plan::aggregates::group_values::{GroupValues, new_group_values};
use datafusion::physical_plan::aggregates::order::GroupOrdering;

/// The keys met so far; each has the number of its first coming.
pub enum Keys {
    /// One column of short texts: codes, states, kinds. Most group keys are.
    Short(ShortTexts),
    Any(Box<dyn GroupValues>),
}

impl Keys {
    pub fn new(schema: &SchemaRef) -> Result<Keys> {
        match schema.fields().as_ref() {
            [field] if *field.data_type() == DataType::Utf8View => Ok(Keys::Short(ShortTexts::default())),
            _ => Keys::any(schema),
        }
    }

    fn any(schema: &SchemaRef) -> Result<Keys> {
        Ok(Keys::Any(new_group_values(schema.clone(), &GroupOrdering::None)?))
    }

    /// Puts the number of each row's key into `rows`.
    pub fn intern(&mut self, keys: &[ArrayRef], rows: &mut Vec<usize>, schema: &SchemaRef) -> Result<()> {
        if let (Keys::Short(short), [texts]) = (&mut *self, keys) {
            let texts = texts.as_string_view();
            if are_short(texts) {
                short.intern(texts, rows);
                return Ok(());
            }
            // A longer one came: those met so far get the numbers they have.
            let met = short.emit()?;
            *self = Keys::any(schema)?;
            if !met.is_empty() {
                self.intern(&[met], rows, schema)?;
            }
        }
        match self {
            Keys::Any(any) => any.intern(keys, rows),
            Keys::Short(_) => Ok(()),
        }
    }

    pub fn len(&self) -> usize {
        match self {
            Keys::Short(short) => short.views.len(),
            Keys::Any(any) => any.len(),
        }
    }

    /// All keys by their numbers; none are left.
    pub fn emit(&mut self) -> Result<Vec<ArrayRef>> {
        match self {
            Keys::Short(short) => Ok(vec![short.emit()?]),
            Keys::Any(any) => {
                let count = any.len();
                let keys = any.emit(EmitTo::All)?;
                any.clear_shrink(count);
                Ok(keys)
            }
        }
    }
}

fn are_short(texts: &StringViewArray) -> bool {
    texts.data_buffers().is_empty() || texts.views().iter().all(|view| *view as u32 <= 12)
}

/// Among so few keys looking at each is faster than a table.
const FEW: usize = 8;

/// Texts of at most twelve bytes: such a text lies in its view, one number of 128 bits.
#[derive(Default)]
pub struct ShortTexts {
    views: Vec<u128>,
    numbers: AHashMap<u128, usize>,
    null: Option<usize>,
}

impl ShortTexts {
    fn intern(&mut self, texts: &StringViewArray, rows: &mut Vec<usize>) {
        rows.clear();
        rows.reserve(texts.len());
        match texts.nulls().filter(|nulls| nulls.null_count() > 0) {
            None => rows.extend(texts.views().iter().map(|view| self.number(*view))),
            Some(nulls) => rows.extend(texts.views().iter().zip(nulls).map(|(view, there)| match there {
                true => self.number(*view),
                false => self.null(),
            })),
        }
    }

    fn number(&mut self, view: u128) -> usize {
        if self.views.len() <= FEW {
            let same = |number: &usize| self.views[*number] == view && Some(*number) != self.null;
            if let Some(number) = (0..self.views.len()).find(same) {
                return number;
            }
        } else if let Some(number) = self.numbers.get(&view) {
            return *number;
        }
        let number = self.views.len();
        self.views.push(view);
        self.numbers.insert(view, number);
        number
    }

    fn null(&mut self) -> usize {
        *self.null.get_or_insert_with(|| {
            self.views.push(0);
            self.views.len() - 1
        })
    }

    fn emit(&mut self) -> Result<ArrayRef> {
        let views = std::mem::take(&mut self.views);
        self.numbers.clear();
        let null = self.null.take();
        let nulls = null.map(|null| (0..views.len()).map(|number| number != null).collect::<NullBuffer>());
        Ok(Arc::new(StringViewArray::try_new(ScalarBuffer::from(views), Vec::new(), nulls)?))
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::StringArray;
    use arrow::datatypes::{Field, Schema};

    use super::*;

    /// Short keys have the numbers that DataFusion's own table gives them; so have long ones that come later.
    #[test]
    fn keys_have_the_numbers_that_any_table_gives_them() {
        let short: Vec<Option<&str>> =
            vec![Some("sent"), None, Some(""), Some("sent"), Some("十二个字节"), Some("waiting")];
        let twelve: Vec<Option<&str>> = vec![None, Some("123456789012"), Some(""), None, Some("12345678901"), Some("")];
        let many: Vec<String> = (0..40).map(|n| format!("k{}", n % 23)).collect();
        let many: Vec<Option<&str>> = many.iter().map(|text| Some(text.as_str())).collect();
        let long: Vec<Option<&str>> = vec![Some("sent"), Some("a text of more than twelve bytes"), None, Some("k3")];
        let schema: SchemaRef = Arc::new(Schema::new(vec![Field::new("k", DataType::Utf8View, true)]));
        let lists: [&[&[Option<&str>]]; 6] =
            [&[&short], &[&twelve, &short], &[&many, &short, &twelve], &[&short, &long, &many], &[&long], &[&[]]];
        for lists in lists {
            let mut any = new_group_values(schema.clone(), &GroupOrdering::None).unwrap();
            let mut keys = Keys::new(&schema).unwrap();
            for _ in 0..2 {
                for list in lists {
                    let array: ArrayRef = Arc::new(StringViewArray::from_iter(list.iter().copied()));
                    let (mut expected, mut found) = (Vec::new(), vec![7; 3]);
                    any.intern(std::slice::from_ref(&array), &mut expected).unwrap();
                    keys.intern(std::slice::from_ref(&array), &mut found, &schema).unwrap();
                    assert_eq!((&found, keys.len()), (&expected, any.len()), "{list:?}");
                }
                let texts = |keys: Vec<ArrayRef>| {
                    arrow::compute::cast(&keys[0], &DataType::Utf8).unwrap().as_string::<i32>().clone()
                };
                let (expected, found): (StringArray, StringArray) =
                    (texts(any.emit(EmitTo::All).unwrap()), texts(keys.emit().unwrap()));
                any.clear_shrink(0);
                assert_eq!((found, keys.len()), (expected, 0));
            }
        }
    }
}
