package dev.gantry.agent.cli;

import java.util.ArrayList;
import java.util.List;

/** {@code gantry completion}: scripts made from the commands' own descriptions. */
final class CompletionCommand implements Command {
    private static final CommandSpec SPEC = new CommandSpec(
            "completion",
            "bash|zsh|fish",
            Commands.summary("completion"),
            "Print a script that makes the shell complete commands, options and the names of pods.",
            List.of(
                    new CommandSpec.Example("For this shell", "source <(gantry completion bash)"),
                    new CommandSpec.Example(
                            "For every bash", "gantry completion bash > /usr/share/bash-completion/completions/gantry"),
                    new CommandSpec.Example(
                            "For fish", "gantry completion fish > ~/.config/fish/completions/gantry.fish")),
            List.of());

    @Override
    public CommandSpec spec() {
        return SPEC;
    }

    @Override
    public int run(Arguments arguments, Session session) throws UsageException {
        String shell = arguments.operand("the shell");
        String script = switch (shell) {
            case "bash" -> bash();
            // zsh runs bash's scripts after this.
            case "zsh" -> "#compdef gantry\nautoload -U +X bashcompinit && bashcompinit\n" + bash();
            case "fish" -> fish();
            default ->
                throw new UsageException("there is no completion for '" + shell + "'; known are bash, zsh and fish");
        };
        session.console().out().print(script);
        return 0;
    }

    private static List<CommandSpec> specs() {
        List<CommandSpec> specs = new ArrayList<>();
        for (String path : Commands.PATHS) {
            Command command = Commands.find(path);
            if (command != null) {
                specs.add(command.spec());
            }
        }
        return specs;
    }

    private static String optionWords(CommandSpec spec) {
        StringBuilder words = new StringBuilder("--root --help");
        for (Option option : spec.options()) {
            words.append(" --").append(option.name());
            if (option.letter() != 0) {
                words.append(" -").append(option.letter());
            }
        }
        return words.toString();
    }

    /** Options that take a value, as a pattern for {@code case}. */
    private static String valueOptions() {
        List<String> words = new ArrayList<>(List.of("--root"));
        for (CommandSpec spec : specs()) {
            for (Option option : spec.options()) {
                if (!option.isFlag()) {
                    words.add("--" + option.name());
                    if (option.letter() != 0) {
                        words.add("-" + option.letter());
                    }
                }
            }
        }
        return String.join("|", words.stream().distinct().toList());
    }

    private static String bash() {
        StringBuilder out = new StringBuilder();
        out.append("# Completion of gantry for bash; made by \"gantry completion bash\".\n");
        out.append("_gantry() {\n");
        out.append(
                "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command='' i skip='' n=0\n");
        out.append("    local namespace='' root=''\n");
        out.append("    for ((i = 1; i < COMP_CWORD; i++)); do\n");
        out.append("        if [ -n \"$skip\" ]; then skip=''; continue; fi\n");
        out.append("        case ${COMP_WORDS[i]} in\n");
        out.append("        --namespace|-n) skip=1; namespace=${COMP_WORDS[i+1]} ;;\n");
        out.append("        --root) skip=1; root=${COMP_WORDS[i+1]} ;;\n");
        out.append("        ").append(valueOptions()).append(") skip=1 ;;\n");
        out.append("        -*) ;;\n");
        out.append("        image) command=image ;;\n");
        out.append(
                "        *) if [ -z \"$command\" ]; then command=${COMP_WORDS[i]}; elif [ \"$command\" = image ]; then command=\"image ${COMP_WORDS[i]}\"; else n=$((n + 1)); fi ;;\n");
        out.append("        esac\n    done\n");
        out.append("    case $before in\n");
        out.append("    -f|--filename|--config) COMPREPLY=($(compgen -f -- \"$word\")); return ;;\n");
        out.append(
                "    --root|--root-dir|--config-dir|--pod-manifest-path|--image-archives|--image-registry-config) COMPREPLY=($(compgen -d -- \"$word\")); return ;;\n");
        out.append("    -o|--output) COMPREPLY=($(compgen -W 'wide json yaml name' -- \"$word\")); return ;;\n");
        out.append("    esac\n");
        out.append("    case $command in\n");
        out.append("    '') COMPREPLY=($(compgen -W '").append(String.join(" ", Commands.firstWords()));
        out.append("' -- \"$word\")) ;;\n");
        out.append("    image) COMPREPLY=($(compgen -W 'pull load ls rm' -- \"$word\")) ;;\n");
        for (CommandSpec spec : specs()) {
            out.append("    '").append(spec.path()).append("')\n");
            out.append("        case $word in\n");
            out.append("        -*) COMPREPLY=($(compgen -W '")
                    .append(optionWords(spec))
                    .append("' -- \"$word\")) ;;\n");
            out.append("        *) ").append(operands(spec.path())).append(" ;;\n");
            out.append("        esac ;;\n");
        }
        out.append("    esac\n}\n");
        out.append("complete -o default -F _gantry gantry\n");
        return out.toString();
    }

    private static String operands(String path) {
        String pods =
                "$(gantry ${root:+--root \"$root\"} get pods ${namespace:+-n \"$namespace\"} -o name 2>/dev/null | sed 's|^pod/||')";
        return switch (path) {
            case "get" ->
                "if [ $n = 0 ]; then COMPREPLY=($(compgen -W 'pods nodes events' -- \"$word\")); else COMPREPLY=($(compgen -W \""
                        + pods + "\" -- \"$word\")); fi";
            case "describe" -> "COMPREPLY=($(compgen -W \"pod node " + pods + "\" -- \"$word\"))";
            case "delete" -> "COMPREPLY=($(compgen -W \"pod " + pods + "\" -- \"$word\"))";
            case "restart" -> "COMPREPLY=($(compgen -W \"pod container " + pods + "\" -- \"$word\"))";
            case "logs", "exec", "debug" -> "COMPREPLY=($(compgen -W \"" + pods + "\" -- \"$word\"))";
            case "image rm" ->
                "COMPREPLY=($(compgen -W \"$(gantry ${root:+--root \"$root\"} image ls -o name 2>/dev/null)\" -- \"$word\"))";
            case "image load" -> "COMPREPLY=($(compgen -f -- \"$word\"))";
            case "completion" -> "COMPREPLY=($(compgen -W 'bash zsh fish' -- \"$word\"))";
            default -> ":";
        };
    }

    private static String fish() {
        StringBuilder out = new StringBuilder();
        out.append("# Completion of gantry for fish; made by \"gantry completion fish\".\n");
        out.append("function __gantry_pods\n    gantry get pods -o name 2>/dev/null | string replace 'pod/' ''\nend\n");
        out.append("complete -c gantry -f\n");
        for (String word : Commands.firstWords()) {
            out.append("complete -c gantry -n __fish_use_subcommand -a ").append(word);
            out.append(" -d ").append(fishQuoted(Commands.summary(word))).append('\n');
        }
        out.append("complete -c gantry -l root -r -d 'Directory of the agent'\n");
        for (String path : Commands.family("image")) {
            String word = path.substring("image ".length());
            out.append(
                    "complete -c gantry -n '__fish_seen_subcommand_from image; and not __fish_seen_subcommand_from pull load ls rm' -a ");
            out.append(word)
                    .append(" -d ")
                    .append(fishQuoted(Commands.summary(path)))
                    .append('\n');
        }
        out.append("complete -c gantry -n '__fish_seen_subcommand_from get' -a 'pods nodes events'\n");
        out.append(
                "complete -c gantry -n '__fish_seen_subcommand_from logs exec debug restart describe delete' -a '(__gantry_pods)'\n");
        out.append("complete -c gantry -n '__fish_seen_subcommand_from describe' -a 'pod node'\n");
        out.append("complete -c gantry -n '__fish_seen_subcommand_from restart' -a 'pod container'\n");
        out.append("complete -c gantry -n '__fish_seen_subcommand_from completion' -a 'bash zsh fish'\n");
        for (CommandSpec spec : specs()) {
            String words = spec.path().replace(" ", "; and __fish_seen_subcommand_from ");
            for (Option option : spec.options()) {
                out.append("complete -c gantry -n '__fish_seen_subcommand_from ")
                        .append(words)
                        .append('\'');
                out.append(option.name().length() == 1 ? " -o " : " -l ").append(option.name());
                out.append(option.letter() == 0 ? "" : " -s " + option.letter());
                out.append(option.isFlag() ? "" : option.label().startsWith("FILE") ? " -r -F" : " -r");
                out.append(" -d ").append(fishQuoted(option.help())).append('\n');
            }
        }
        return out.toString();
    }

    private static String fishQuoted(String text) {
        return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'";
    }
}
