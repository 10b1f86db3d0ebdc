//! The bank: its tables, its transactions, and what they add up to without SQLite.
//!
//! What transaction `n` does follows from the seed and `n` alone, whoever commits it. So what the database must hold
//! after exactly `k` commits can be told from `k`, without a word from the process that committed them.

use std::collections::VecDeque;

use rusqlite::types::Value;
use rusqlite::{Connection, TransactionBehavior, params};

use crate::Outcome;
use crate::dice::Dice;
use crate::dump::{Dump, Table};

const ACCOUNTS: i64 = 40;
const BALANCE_AT_START: i64 = 10_000;
/// So many transfers are remembered; older ones are deleted, and their pages used again.
const KEPT: i64 = 300;

/// Makes the tables, as one transaction.
pub(crate) fn create(conn: &Connection) -> rusqlite::Result<()> {
    conn.execute_batch(
        "BEGIN;
         CREATE TABLE account (id INTEGER PRIMARY KEY, owner TEXT NOT NULL, balance INTEGER NOT NULL);
         CREATE TABLE transfer (n INTEGER PRIMARY KEY, source INTEGER NOT NULL, target INTEGER NOT NULL,
                                amount INTEGER NOT NULL, memo BLOB NOT NULL);
         CREATE TABLE posting (n INTEGER NOT NULL, account INTEGER NOT NULL, balance INTEGER NOT NULL,
                               PRIMARY KEY (n, account)) WITHOUT ROWID;
         CREATE INDEX posting_of_account ON posting (account, n);
         CREATE TABLE commits (n INTEGER PRIMARY KEY);",
    )?;
    for id in 0..ACCOUNTS {
        let row = params![id, owner(id), BALANCE_AT_START];
        conn.execute("INSERT INTO account VALUES (?, ?, ?)", row)?;
    }
    conn.execute_batch("COMMIT")
}

fn owner(id: i64) -> String {
    format!("owner {id:02}")
}

/// A transfer of money from one account to another.
struct Transfer {
    n: i64,
    source: i64,
    target: i64,
    amount: i64,
    memo: Vec<u8>,
}

impl Transfer {
    fn numbered(seed: u64, n: i64) -> Transfer {
        let mut dice = Dice(seed ^ (n as u64).wrapping_mul(0xd134_2543_de82_ef95));
        let source = dice.below(ACCOUNTS as u64) as i64;
        let target = (source + 1 + dice.below(ACCOUNTS as u64 - 1) as i64) % ACCOUNTS;
        let amount = 1 + dice.below(500) as i64;
        // Now and then a row of several pages.
        let length = if dice.below(16) == 0 { 20_000 } else { dice.below(1200) };
        let memo = (0..length).map(|_| dice.below(256) as u8).collect();
        Transfer { n, source, target, amount, memo }
    }
}

/// Runs the next transaction. `begun` hears its number before the commit; the answer is the number once SQLite has
/// answered the commit, or none if the transaction was rolled back instead, as `give_up` asked for.
pub(crate) fn transact(
    conn: &mut Connection,
    seed: u64,
    give_up: bool,
    begun: impl FnOnce(i64),
) -> rusqlite::Result<Option<i64>> {
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let newest = "SELECT coalesce(max(n), 0) FROM commits";
    let n = 1 + tx.prepare_cached(newest)?.query_row([], |row| row.get::<_, i64>(0))?;
    let Transfer { source, target, amount, memo, .. } = Transfer::numbered(seed, n);
    for (account, change) in [(source, -amount), (target, amount)] {
        tx.prepare_cached("UPDATE account SET balance = balance + ? WHERE id = ?")?
            .execute(params![change, account])?;
        tx.prepare_cached("INSERT INTO posting SELECT ?, id, balance FROM account WHERE id = ?")?
            .execute(params![n, account])?;
    }
    tx.prepare_cached("INSERT INTO transfer VALUES (?, ?, ?, ?, ?)")?
        .execute(params![n, source, target, amount, memo])?;
    for table in ["transfer", "posting"] {
        tx.prepare_cached(&format!("DELETE FROM {table} WHERE n = ?"))?.execute([n - KEPT])?;
    }
    tx.prepare_cached("INSERT INTO commits VALUES (?)")?.execute([n])?;
    if give_up {
        // Without this the rollback would touch the cache alone; with it the volume has to be put back.
        tx.execute("UPDATE account SET balance = 0", [])?;
        tx.rollback()?;
        return Ok(None);
    }
    begun(n);
    tx.commit()?;
    Ok(Some(n))
}

/// How many transactions a database says it has seen.
pub(crate) fn commits(dump: &Dump) -> Outcome<i64> {
    let rows = &dump.table("commits").ok_or("there is no table of commits")?.rows;
    match rows.last().map(Vec::as_slice) {
        None => Ok(0),
        Some([Value::Integer(n)]) => Ok(*n),
        Some(other) => Err(format!("the newest commit number is {other:?}").into()),
    }
}

/// The bank as it is after the first so many transactions.
pub(crate) struct Bank {
    seed: u64,
    n: i64,
    balances: Vec<i64>,
    /// Each with the two balances it left.
    transfers: VecDeque<(Transfer, i64, i64)>,
}

impl Bank {
    /// Before the first transaction.
    pub(crate) fn new(seed: u64) -> Bank {
        let balances = vec![BALANCE_AT_START; ACCOUNTS as usize];
        Bank { seed, n: 0, balances, transfers: VecDeque::new() }
    }

    /// Goes on to where exactly `n` transactions have been committed; there is no way back.
    pub(crate) fn advance(&mut self, n: i64) {
        while self.n < n {
            self.n += 1;
            let transfer = Transfer::numbered(self.seed, self.n);
            self.balances[transfer.source as usize] -= transfer.amount;
            self.balances[transfer.target as usize] += transfer.amount;
            let left = [transfer.source, transfer.target].map(|id| self.balances[id as usize]);
            self.transfers.push_back((transfer, left[0], left[1]));
            if self.transfers.len() as i64 > KEPT {
                self.transfers.pop_front();
            }
        }
    }

    /// Whose transactions come next.
    pub(crate) const fn seed(&self) -> u64 {
        self.seed
    }

    /// From here on the transactions are those of another seed: other customers have come.
    pub(crate) fn go_on_with(&mut self, seed: u64) {
        self.seed = seed;
    }

    /// What a database must hold now.
    pub(crate) fn dump(&self) -> Dump {
        let whole = Value::Integer;
        let accounts = self
            .balances
            .iter()
            .zip(0..)
            .map(|(balance, id)| vec![whole(id), Value::Text(owner(id)), whole(*balance)]);
        let transfers = self.transfers.iter().map(|(transfer, _, _)| {
            let Transfer { n, source, target, amount, memo } = transfer;
            let memo = Value::Blob(memo.clone());
            vec![whole(*n), whole(*source), whole(*target), whole(*amount), memo]
        });
        let postings = self.transfers.iter().flat_map(|(transfer, source_left, target_left)| {
            let mut both = [(transfer.source, *source_left), (transfer.target, *target_left)];
            both.sort_unstable();
            both.map(|(account, left)| vec![whole(transfer.n), whole(account), whole(left)])
        });
        let mut dump = Dump::default();
        let mut table = |name, columns: &[&str], rows| {
            let columns = columns.iter().map(|column| (*column).to_owned()).collect();
            dump.insert(name, Table { columns, rows });
        };
        table("account", &["id", "owner", "balance"], accounts.collect());
        table("transfer", &["n", "source", "target", "amount", "memo"], transfers.collect());
        table("posting", &["n", "account", "balance"], postings.collect());
        table("commits", &["n"], (1..=self.n).map(|n| vec![whole(n)]).collect());
        dump
    }
}
