package dev.gantry.agent.cli;

import java.util.List;

/**
 * What a command is called, takes and does: the source of its parsing, its help and its completion.
 *
 * @param path the words that choose it, such as {@code image pull}
 * @param operands the operands in the usage line, such as {@code POD [-- COMMAND...]}
 * @param summary one line for the list of commands
 * @param description paragraphs for {@code --help}
 * @param examples at least one
 * @param options besides the ones every command has
 * @param passesRest whether everything after {@code --} belongs to somebody else, such as the command of {@code exec}
 */
record CommandSpec(
        String path,
        String operands,
        String summary,
        String description,
        List<Example> examples,
        List<Option> options,
        boolean passesRest) {

    /**
     * A use of the command.
     *
     * @param what it does, as a comment
     * @param line to type
     */
    record Example(String what, String line) {}

    static final Option HELP = Option.flag("help", 'h', "Show this help.");
    static final Option ROOT = Option.value(
            "root",
            "DIR",
            "Directory that holds the agent's state, sockets, logs and manifests; default: the system's own places, or $GANTRY_ROOT.");
    static final Option NAMESPACE =
            Option.value("namespace", 'n', "NAME", "Namespace of the pod; default: \"default\".");

    CommandSpec(
            String path,
            String operands,
            String summary,
            String description,
            List<Example> examples,
            List<Option> options) {
        this(path, operands, summary, description, examples, options, false);
    }
}
