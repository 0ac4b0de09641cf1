//! The cheapest honest MCP server: it reads each line as JSON, and answers a call with as many bytes as
//! that asks for.

use std::io::{self, BufRead, Write};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use super::Outcome;

/// Serves standard input to its end; begins after this time, as servers of other languages do.
pub fn serve(start: Duration) -> Outcome {
    thread::sleep(start);
    let mut out = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let message: Value = serde_json::from_str(&line?)?;
        let Some(id) = message.get("id") else {
            continue;
        };
        let result = match message["method"].as_str() {
            Some("initialize") => json!({
                "protocolVersion": message["params"]["protocolVersion"],
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "bench", "version": "1"},
            }),
            _ => {
                let size = message["params"]["arguments"]["size"].as_u64().unwrap_or(0);
                let text = "x".repeat(usize::try_from(size)?);
                json!({"content": [{"type": "text", "text": text}], "isError": false})
            }
        };
        let answer = json!({"jsonrpc": "2.0", "id": id, "result": result});
        out.write_all(format!("{answer}\n").as_bytes())?;
        out.flush()?;
    }
    Ok(())
}
