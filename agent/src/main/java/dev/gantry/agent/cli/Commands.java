package dev.gantry.agent.cli;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** All commands by name. A command's class is loaded only when it is chosen. */
final class Commands {
    /**
     * Commands under one heading of the overview.
     *
     * @param commands their first words
     */
    record Group(String title, List<String> commands) {}

    static final List<Group> GROUPS = List.of(
            new Group("Run", List.of("run", "agent", "runtime")),
            new Group("Look", List.of("get", "describe", "logs", "events")),
            new Group("Act", List.of("exec", "debug", "restart", "delete")),
            new Group("Images", List.of("image")),
            new Group("Understand", List.of("check", "explain", "version", "completion")));

    /** Every command's path, in the order of the overview. */
    static final List<String> PATHS = List.of(
            "run",
            "agent",
            "runtime",
            "get",
            "describe",
            "logs",
            "events",
            "exec",
            "debug",
            "restart",
            "delete",
            "image pull",
            "image load",
            "image ls",
            "image rm",
            "check",
            "explain",
            "version",
            "completion");

    private Commands() {}

    static String summary(String path) {
        return switch (path) {
            case "run" -> "Run the pods of a manifest until they end or Ctrl-C, and show what happens";
            case "agent" -> "Run the node agent: static pods, local API";
            case "runtime" -> "Run the container runtime alone, for a kubelet, crictl or another client of CRI";
            case "get" -> "List pods, events or nodes";
            case "describe" -> "Show one pod in detail, with its events, or the node";
            case "logs" -> "Print what a container wrote";
            case "events" -> "List events, or follow them";
            case "exec" -> "Run a command in a container";
            case "debug" -> "Add a container to a pod that runs, to look at it";
            case "restart" -> "Start a pod's containers anew, or one of them";
            case "delete" -> "Delete a pod";
            case "image" -> "Pull, load, list and remove images";
            case "image pull" -> "Pull an image from its registry";
            case "image load" -> "Load images from an archive or a directory";
            case "image ls" -> "List images";
            case "image rm" -> "Remove images";
            case "check" -> "Say what this machine offers, what is missing and how to get it";
            case "explain" -> "Print the system calls that would start a manifest's containers";
            case "version" -> "Print the versions of the command and of the agent";
            case "completion" -> "Print a completion script for bash, zsh or fish";
            default -> "";
        };
    }

    /** The command at a path, or null if there is none. */
    static @Nullable Command find(String path) {
        return switch (path) {
            case "run" -> new RunCommand();
            case "agent" -> new AgentCommand();
            case "runtime" -> new RuntimeCommand();
            case "get" -> new GetCommand();
            case "describe" -> new DescribeCommand();
            case "logs" -> new LogsCommand();
            case "events" -> new EventsCommand();
            case "exec" -> new ExecCommand();
            case "debug" -> new DebugCommand();
            case "restart" -> new RestartCommand();
            case "delete" -> new DeleteCommand();
            case "image pull" -> new ImagePullCommand();
            case "image load" -> new ImageLoadCommand();
            case "image ls" -> new ImageLsCommand();
            case "image rm" -> new ImageRmCommand();
            case "check" -> new CheckCommand();
            case "explain" -> new ExplainCommand();
            case "version" -> new VersionCommand();
            case "completion" -> new CompletionCommand();
            default -> null;
        };
    }

    /** The paths that begin with {@code word} and go on, such as {@code image pull} for {@code image}. */
    static List<String> family(String word) {
        List<String> family = new ArrayList<>();
        for (String path : PATHS) {
            if (path.startsWith(word + " ")) {
                family.add(path);
            }
        }
        return family;
    }

    /** What may stand as the first word. */
    static List<String> firstWords() {
        List<String> words = new ArrayList<>();
        for (Group group : GROUPS) {
            words.addAll(group.commands());
        }
        return words;
    }
}
