package dev.gantry.agent.cli;

import java.util.ArrayList;
import java.util.List;

/** Renders help in kubectl's order: what it does, examples, options, usage. */
final class HelpText {
    private static final int WIDTH = 100;

    private final Console console;

    HelpText(Console console) {
        this.console = console;
    }

    String of(CommandSpec spec) {
        StringBuilder text = new StringBuilder();
        for (String paragraph : spec.description().split("\n", -1)) {
            wrap(text, "", paragraph);
        }
        if (!spec.examples().isEmpty()) {
            text.append('\n').append(console.bold("Examples:")).append('\n');
            String separator = "";
            for (CommandSpec.Example example : spec.examples()) {
                text.append(separator);
                text.append("  ").append(console.dim("# " + example.what())).append('\n');
                text.append("  ").append(example.line()).append('\n');
                separator = "\n";
            }
        }
        text.append('\n').append(console.bold("Options:")).append('\n');
        List<Option> options = new ArrayList<>(spec.options());
        options.add(CommandSpec.ROOT);
        options.add(CommandSpec.HELP);
        for (Option option : options) {
            text.append("  ").append(option.letter() == 0 ? "    " : "-" + option.letter() + ", ");
            text.append(console.bold("--" + option.name()));
            if (!option.isFlag()) {
                text.append(' ').append(option.label());
            }
            text.append('\n');
            wrap(text, "          ", option.help());
        }
        text.append('\n').append(console.bold("Usage:")).append("\n  ").append(usage(spec));
        return text.append('\n').toString();
    }

    /** Options come before the command that is somebody else's. */
    static String usage(CommandSpec spec) {
        String operands = spec.operands().isEmpty() ? "" : " " + spec.operands();
        int rest = spec.passesRest() ? operands.indexOf("-- ") : -1;
        if (rest < 0) {
            return "gantry " + spec.path() + operands + " [options]";
        }
        int at = operands.charAt(rest - 1) == '[' ? rest - 1 : rest;
        return "gantry " + spec.path() + operands.substring(0, at) + "[options] " + operands.substring(at);
    }

    /** The page for {@code gantry --help}. */
    String overview() {
        StringBuilder text = new StringBuilder();
        text.append(
                "Gantry runs Kubernetes pods on this machine: kubelet, container runtime and pod network in one program.\n");
        for (Commands.Group group : Commands.GROUPS) {
            text.append('\n').append(console.bold(group.title() + ":")).append('\n');
            for (String name : group.commands()) {
                text.append("  ").append(String.format("%-12s", name)).append(' ');
                text.append(Commands.summary(name)).append('\n');
            }
        }
        text.append('\n').append(console.bold("Examples:")).append('\n');
        text.append("  gantry run -f pod.yaml        ").append(console.dim("# run a pod here and now, and follow it"));
        text.append("\n  gantry get pods -A -o wide    ").append(console.dim("# what runs"));
        text.append("\n  gantry check                  ")
                .append(console.dim("# what this machine offers, what is missing"));
        text.append("\n\n").append(console.bold("Usage:")).append("\n  gantry COMMAND [options]\n\n");
        text.append("Use \"gantry COMMAND --help\" for more about a command.\n");
        return text.toString();
    }

    /** The page for a word that only leads to others, such as {@code gantry image}. */
    String family(String word, List<String> paths) {
        StringBuilder text = new StringBuilder();
        text.append(Commands.summary(word))
                .append(".\n\n")
                .append(console.bold("Commands:"))
                .append('\n');
        for (String path : paths) {
            text.append("  ").append(String.format("%-18s", path)).append(' ');
            text.append(Commands.summary(path)).append('\n');
        }
        text.append('\n').append(console.bold("Usage:"));
        text.append("\n  gantry ").append(word).append(" COMMAND [options]\n\n");
        text.append("Use \"gantry ").append(word).append(" COMMAND --help\" for more about a command.\n");
        return text.toString();
    }

    private static void wrap(StringBuilder out, String indent, String paragraph) {
        if (paragraph.startsWith("  ")) {
            out.append(indent).append(paragraph).append('\n');
            return;
        }
        int column = 0;
        for (String word : paragraph.split(" ", -1)) {
            if (column > 0 && column + 1 + word.length() > WIDTH - indent.length()) {
                out.append('\n');
                column = 0;
            }
            if (column == 0) {
                out.append(indent);
            } else {
                out.append(' ');
                column++;
            }
            out.append(word);
            column += word.length();
        }
        out.append('\n');
    }
}
