"""Attribution methods beside `wavenet.rap`, and measures to compare them by.

methods          `METHODS`, the table of methods by name: RAP, layer-wise relevance propagation, gradients, chance.
                 All are called as explainer(model).attribute(inputs, target); gradient methods import captum when used
measures         agreement of relevance with a region, change of the output under perturbation, bootstrap intervals
images           the evaluation of the paper for images: maps against masks, perturbed regions
representations  similarity of activations and known quantities; the change of an input that changes the output most

The package itself imports none of these modules.
"""
