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
                    new CommandSpec.Example("For zsh", "source <(gantry completion zsh)"),
                    new CommandSpec.Example(
                            "For fish", "gantry completion fish > ~/.config/fish/completions/gantry.fish")),
            List.of());

    private static final String BASH_WORDS = """
            # Completion of gantry for bash; made by "gantry completion bash".
            _gantry_words() { COMPREPLY=($(compgen -W "$1" -- "$word")); }
            _gantry_files() { compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen "$1" -- "$word")); }
            _gantry_names() {
                gantry ${root:+--root "$root"} get "$1" ${namespace:+-n "$namespace"} -o name 2>/dev/null | sed 's|^[^/]*/||'
            }
            _gantry() {
                local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}
                local command='' values='--root --namespace -n' i skip='' n=0 first='' namespace='' root=''
                COMPREPLY=()
                for ((i = 1; i < COMP_CWORD; i++)); do
                    if [ -n "$skip" ]; then skip=''; continue; fi
                    case ${COMP_WORDS[i]} in
                    --namespace|-n) skip=1; namespace=${COMP_WORDS[i+1]} ;;
                    --root) skip=1; root=${COMP_WORDS[i+1]} ;;
                    --) _gantry_files -f; return ;;
                    -*) case " $values " in *" ${COMP_WORDS[i]} "*) skip=1 ;; esac ;;
                    *)
                        if [ -n "$command" ] && [ "$command" != image ]; then
                            [ $n != 0 ] || first=${COMP_WORDS[i]}
                            n=$((n + 1))
                            continue
                        fi
                        command=${command:+$command }${COMP_WORDS[i]}
                        case $command in
            """;

    private static final String BASH_VALUES = """
                        esac ;;
                    esac
                done
                if [ -n "$skip" ]; then
                    case $before in
                    -f|--filename|--config) _gantry_files -f ;;
                    --root|--*-dir|--image-archives|--image-registry-config) _gantry_files -d ;;
                    --pod-manifest-path|--resolv-conf) _gantry_files -f ;;
                    -o|--output)
                        case $command in
                        check|version) _gantry_words json ;;
                        'image ls') _gantry_words 'json yaml name' ;;
                        *) _gantry_words 'wide json yaml name' ;;
                        esac ;;
                    --types) _gantry_words 'Normal Warning' ;;
                    --network) _gantry_words 'builtin cni none' ;;
                    --cgroup-driver) _gantry_words 'cgroupfs systemd' ;;
                    --log-level) _gantry_words 'error warn info debug' ;;
                    --image-pull-policy) _gantry_words 'Always IfNotPresent Never' ;;
                    --rm|--wait) _gantry_words 'true false' ;;
                    esac
                    return
                fi
                case $command in
            """;

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

    /** Options that take a value. */
    private static String valueOptions(CommandSpec spec) {
        StringBuilder words = new StringBuilder("--root");
        for (Option option : spec.options()) {
            if (!option.isFlag()) {
                words.append(" --").append(option.name());
                words.append(option.letter() == 0 ? "" : " -" + option.letter());
            }
        }
        return words.toString();
    }

    private static String bash() {
        StringBuilder out = new StringBuilder(BASH_WORDS);
        for (CommandSpec spec : specs()) {
            out.append("            '").append(spec.path()).append("') values='");
            out.append(valueOptions(spec)).append("' ;;\n");
        }
        out.append(BASH_VALUES);
        String first = String.join(" ", Commands.firstWords());
        out.append("    ''|help) _gantry_words '").append(first).append("' ;;\n");
        out.append("    image) _gantry_words 'pull load ls rm' ;;\n");
        for (CommandSpec spec : specs()) {
            out.append("    '").append(spec.path()).append("')\n");
            out.append("        case $word in\n");
            out.append("        -*) _gantry_words '").append(optionWords(spec)).append("' ;;\n");
            out.append("        *) ").append(operands(spec.path())).append(" ;;\n");
            out.append("        esac ;;\n");
        }
        out.append("    esac\n}\n");
        out.append("complete -F _gantry gantry\n");
        return out.toString();
    }

    private static String operands(String path) {
        String pods = "_gantry_words \"$(_gantry_names pods)\"";
        String ofKind = "case $first in po|pod|pods) " + pods
                + " ;; no|node|nodes) _gantry_words \"$(_gantry_names nodes)\" ;; esac";
        return switch (path) {
            case "get" -> "if [ $n = 0 ]; then _gantry_words 'pods nodes events'; else " + ofKind + "; fi";
            case "describe" ->
                "if [ $n = 0 ]; then _gantry_words \"pod node $(_gantry_names pods)\"; else " + ofKind + "; fi";
            case "delete" -> "_gantry_words \"pod $(_gantry_names pods)\"";
            case "restart" ->
                "case $first in '') _gantry_words 'pod container' ;; pod) " + pods
                        + " ;; *) compopt -o nospace 2>/dev/null; _gantry_words \"$(_gantry_names pods | sed 's|$|/|')\" ;; esac";
            case "logs", "exec", "debug" -> "[ $n != 0 ] || " + pods;
            case "image rm" -> "_gantry_words \"$(gantry ${root:+--root \"$root\"} image ls -o name 2>/dev/null)\"";
            case "image load" -> "_gantry_files -f";
            case "completion" -> "_gantry_words 'bash zsh fish'";
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
