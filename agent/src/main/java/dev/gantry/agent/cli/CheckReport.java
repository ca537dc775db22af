package dev.gantry.agent.cli;

import dev.gantry.agent.check.Finding;
import java.util.List;

/** What {@code gantry check} found, for people. */
final class CheckReport {
    private final Console console;

    CheckReport(Console console) {
        this.console = console;
    }

    String of(List<Finding> findings, boolean problemsOnly) {
        StringBuilder out = new StringBuilder();
        int width = 0;
        for (Finding finding : findings) {
            width = Math.max(width, finding.subject().length());
        }
        String group = "";
        for (Finding finding : findings) {
            if (problemsOnly && finding.level() == Finding.Level.GOOD) {
                continue;
            }
            if (!finding.group().equals(group)) {
                group = finding.group();
                out.append(out.length() == 0 ? "" : "\n")
                        .append(console.bold(group))
                        .append('\n');
            }
            row(out, finding, width);
        }
        return out.append(summary(findings)).toString();
    }

    private void row(StringBuilder out, Finding finding, int width) {
        out.append("  ").append(mark(finding.level())).append(' ').append(finding.subject());
        out.append(" ".repeat(width - finding.subject().length() + 2))
                .append(finding.found())
                .append('\n');
        String indent = " ".repeat(width + 6);
        if (!finding.consequence().isEmpty()) {
            out.append(indent)
                    .append(console.dim("so: "))
                    .append(finding.consequence())
                    .append('\n');
        }
        if (!finding.remedy().isEmpty()) {
            out.append(indent)
                    .append(console.dim("do: "))
                    .append(finding.remedy())
                    .append('\n');
        }
    }

    private String mark(Finding.Level level) {
        return switch (level) {
            case GOOD -> console.green("✓");
            case LIMITED -> console.yellow("!");
            case MISSING -> console.red("✗");
        };
    }

    private String summary(List<Finding> findings) {
        long limited = findings.stream()
                .filter(f -> f.level() == Finding.Level.LIMITED)
                .count();
        long missing = findings.stream()
                .filter(f -> f.level() == Finding.Level.MISSING)
                .count();
        if (missing > 0) {
            return "\n"
                    + console.red("Pods cannot run here: " + missing + (missing == 1 ? " thing is" : " things are")
                            + " missing.")
                    + "\n";
        }
        if (limited > 0) {
            return "\n"
                    + console.yellow(
                            "Pods can run here, with " + limited + (limited == 1 ? " limitation." : " limitations."))
                    + "\n";
        }
        return "\n" + console.green("Pods can run here.") + "\n";
    }
}
