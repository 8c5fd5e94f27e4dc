//! A service that stands for the agent of AWS SSM: it runs what it is told, without a terminal, as its own child.

use super::Machine;
use crate::command::Ran;

const UNIT: &str = "[Service]
ExecStart=/bin/sh /var/lib/agent/agent
";

const AGENT: &str = "cd /var/lib/agent
while read -r _; do
    sh ./job </dev/null >output 2>&1
    echo $? >status
done <>wake
";

impl Machine {
    /// Runs a text of the shell by an agent that is a service, as root. Its output is both outputs of the text.
    #[track_caller]
    pub fn by_agent(&self, text: &str) -> Ran {
        if !self.exists("/var/lib/agent/wake") {
            self.write("/var/lib/agent/agent", AGENT);
            self.write("/etc/systemd/system/agent.service", UNIT);
            self.run("mkfifo /var/lib/agent/wake && systemctl daemon-reload && systemctl start agent")
                .succeeds();
        }
        self.write("/var/lib/agent/job", text);
        self.run_named(
            text,
            "cd /var/lib/agent; rm -f status; echo >wake; until test -s status; do sleep 0.05; done; \
             cat output; exit $(cat status)",
        )
    }

    /// Ends the agent and all that is left of what it started, and starts it again.
    #[track_caller]
    pub fn restart_agent(&self) {
        self.run("systemctl restart agent").succeeds();
    }
}
