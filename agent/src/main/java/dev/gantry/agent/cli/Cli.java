package dev.gantry.agent.cli;

import dev.gantry.agent.config.Suggestions;
import dev.gantry.agent.log.ErrorText;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Finds the command that the first words choose, parses the rest and runs it. */
public final class Cli {
    private final Console console;
    private final Node node;

    Cli(Console console, Node node) {
        this.console = console;
        this.node = node;
    }

    /**
     * Runs one command line on the process's own streams.
     *
     * @param node what a command may start in this process
     * @return the exit code
     */
    public static int run(String[] words, Node node) {
        return new Cli(Console.system(), node).run(List.of(words));
    }

    int run(List<String> words) {
        try {
            int exitCode = dispatch(words);
            console.requireOut();
            return exitCode;
        } catch (CliException e) {
            console.out().flush();
            if (!String.valueOf(e.getMessage()).isEmpty()) {
                console.err().println(e.getMessage());
            }
            return e.exitCode();
        } catch (IOException e) {
            console.out().flush();
            console.err().println("error: " + ErrorText.of(e));
            return 1;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return 130;
        } finally {
            console.out().flush();
            console.err().flush();
        }
    }

    private int dispatch(List<String> words) throws CliException, IOException, InterruptedException {
        List<String> rest = new ArrayList<>(words);
        List<String> root = takeRoot(rest);
        if (rest.isEmpty() || isHelp(rest.get(0))) {
            return overview(rest);
        }
        if (rest.get(0).equals("--version")) {
            rest.set(0, "version");
        }
        String path = rest.remove(0);
        List<String> family = Commands.family(path);
        if (!family.isEmpty()) {
            if (rest.isEmpty() || isHelp(rest.get(0))) {
                console.out().print(new HelpText(console).family(path, family));
                return rest.isEmpty() ? 1 : 0;
            }
            path = path + " " + rest.remove(0);
        }
        Command command = Commands.find(path);
        if (command == null) {
            throw unknownCommand(path, family);
        }
        CommandSpec spec = command.spec();
        rest.addAll(0, root);
        try {
            Arguments arguments = Arguments.parse(spec, rest);
            if (arguments.flag("help")) {
                console.out().print(new HelpText(console).of(spec));
                return 0;
            }
            return command.run(arguments, new Session(console, node, arguments));
        } catch (UsageException e) {
            throw new CliException(e.getMessage() + "\nusage: " + HelpText.usage(spec) + "\nSee \"gantry " + spec.path()
                    + " --help\".");
        }
    }

    /** {@code --root DIR} may stand before the command; it means the same there. */
    private static List<String> takeRoot(List<String> words) {
        List<String> taken = new ArrayList<>();
        while (!words.isEmpty() && words.get(0).startsWith("--root")) {
            boolean separate = words.get(0).equals("--root");
            taken.add(words.remove(0));
            if (separate && !words.isEmpty()) {
                taken.add(words.remove(0));
            }
        }
        return taken;
    }

    private int overview(List<String> rest) throws CliException {
        boolean asked = !rest.isEmpty();
        if (asked && rest.size() > 1) {
            String path = rest.get(1) + (rest.size() > 2 ? " " + rest.get(2) : "");
            List<String> family = Commands.family(path);
            Command command = Commands.find(path);
            if (!family.isEmpty()) {
                console.out().print(new HelpText(console).family(path, family));
            } else if (command == null) {
                throw unknownCommand(path, List.of());
            } else {
                console.out().print(new HelpText(console).of(command.spec()));
            }
            return 0;
        }
        console.out().print(new HelpText(console).overview());
        return asked ? 0 : 1;
    }

    private static CliException unknownCommand(String path, List<String> family) {
        List<String> known = family.isEmpty() ? Commands.firstWords() : family;
        Optional<String> near = Suggestions.nearest(path, known);
        return new CliException("unknown command \"" + path + "\" for \"gantry\""
                + (near.isPresent() ? "\n\nDid you mean this?\n\tgantry " + near.get() + "\n" : "")
                + "\nRun \"gantry --help\" for the list of commands.");
    }

    private static boolean isHelp(String word) {
        return word.equals("--help") || word.equals("-h") || word.equals("help");
    }
}
