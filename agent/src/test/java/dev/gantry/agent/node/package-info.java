/** Tests of the node as an object. */
@org.jspecify.annotations.NullMarked
package dev.gantry.agent.node;
