package dev.gantry.agent.cli;

import dev.gantry.agent.check.Finding;
import dev.gantry.agent.check.MachineCheck;
import java.util.List;

/** {@code gantry check}. */
final class CheckCommand implements Command {
    private static final CommandSpec SPEC = new CommandSpec(
            "check",
            "",
            Commands.summary("check"),
            "Look at this machine: kernel, privileges, cgroups, network, disk, other agents. Says for each what was found and, where something is missing, what "
                    + "follows from it and how to get it. The exit code is 1 if pods cannot run here.",
            List.of(
                    new CommandSpec.Example("Everything", "gantry check"),
                    new CommandSpec.Example("Only what is not as it should be", "gantry check --problems"),
                    new CommandSpec.Example("For programs", "gantry check -o json")),
            List.of(
                    Option.flag("problems", "Leave out what is in order."),
                    Option.value("output", 'o', "FORMAT", "json.")));

    @Override
    public CommandSpec spec() {
        return SPEC;
    }

    @Override
    public int run(Arguments arguments, Session session) throws UsageException {
        arguments.atMost(0);
        if (arguments.has("output") && !arguments.value("output").equals("json")) {
            throw new UsageException("--output takes json, not '" + arguments.value("output") + "'");
        }
        List<Finding> findings = MachineCheck.ofThisMachine(session.paths()).run();
        if (arguments.has("output")) {
            session.console().out().println(Finding.json(findings));
        } else {
            session.console().out().print(new CheckReport(session.console()).of(findings, arguments.flag("problems")));
        }
        return findings.stream().anyMatch(finding -> finding.level() == Finding.Level.MISSING) ? 1 : 0;
    }
}
