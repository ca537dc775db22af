package dev.gantry.agent.cli;

import dev.gantry.agent.config.Flags;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Flags of the agent as options of commands. */
final class AgentFlags {
    private AgentFlags() {}

    static List<Option> options(List<Flags.Flag> flags) {
        List<Option> options = new ArrayList<>();
        for (Flags.Flag flag : flags) {
            char letter = flag.name().equals("v") ? 'v' : 0;
            options.add(Option.value(flag.name(), letter, flag.label(), flag.help()));
        }
        return options;
    }

    /** Those that were given, by name; several values of one with commas between them. */
    static Map<String, String> given(List<Flags.Flag> flags, Arguments arguments) {
        Map<String, String> given = new LinkedHashMap<>();
        for (Flags.Flag flag : flags) {
            if (arguments.has(flag.name())) {
                given.put(flag.name(), String.join(",", arguments.values(flag.name())));
            }
        }
        return given;
    }
}
